import { Alert, Select, Switch } from '@mantine/core';
import { PROVIDER_ADMISSIONS, type ProviderAdmission } from '@enchilada/core/identity';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { CopyField } from '../components/copy-field.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { useText } from '../i18n/text.tsx';
import { KindFields, SecretField, sentOf, useKindDraft, useRefusal } from './kind-form.tsx';
import { ProviderProvisioning } from './provider-provisioning.tsx';
import { ProviderRules, type RuleDraft } from './provider-rules.tsx';
import type { Provider, ProviderKind } from './providers.tsx';

/** An identity provider's settings, its rules, and the addresses that it must know. */
export function ProviderForm(props: {
  readonly provider: Provider | undefined;
  readonly kind: ProviderKind;
  readonly readOnly: boolean;
  readonly onClose: () => void;
  readonly onSaved: (provider: Provider) => void;
}) {
  const text = useText();
  const { provider, kind } = props;
  const { title, draft, set } = useKindDraft(kind, provider);
  const [rules, setRules] = useState<readonly RuleDraft[]>(provider?.rules ?? []);
  const [admits, setAdmits] = useState<ProviderAdmission>(provider?.admits ?? 'matched');
  const [trustsFactor, setTrustsFactor] = useState(provider?.trustsFactor ?? false);
  const [enabled, setEnabled] = useState(provider?.enabled ?? false);
  const save = useSave(async () => {
    const fields = {
      ...{ ...sentOf(draft), admits, trustsFactor, enabled },
      rules: rules.map((rule) => ({ ...rule, from: rule.from.trim() })),
    };
    const saved =
      provider === undefined
        ? await api('createProvider', { body: { ...fields, kind: kind.kind } })
        : await api('updateProvider', { params: { id: provider.id }, body: { ...fields, version: provider.version } });
    props.onSaved(saved);
  });
  const { refused, next } = useRefusal(kind, save.fault);
  return (
    <FormDrawer
      title={title}
      size={620}
      save={save}
      next={next}
      readOnly={props.readOnly}
      onClose={props.onClose}
      below={
        provider !== undefined && (
          <ProviderProvisioning id={provider.id} enabled={provider.enabled} readOnly={props.readOnly} />
        )
      }
    >
      {provider === undefined && kind.way === 'redirect' && (
        <Alert color="gray">{text('providers.after-saving')}</Alert>
      )}
      <Address label={text('providers.metadata')} value={provider?.metadata} />
      <Address
        label={text(kind.answers === 'form' ? 'providers.answer-to' : 'providers.return-to')}
        value={provider?.returnTo}
      />
      <Address
        label={text(kind.answers === 'form' ? 'providers.single-logout' : 'providers.logout-to')}
        value={provider?.logoutTo}
      />
      <KindFields refused={refused} kind={kind} draft={draft} readOnly={props.readOnly} onChange={set} />
      {kind.way !== 'proxy' && (
        <SecretField
          label={kind.secret}
          stored={provider?.hasSecret === true ? provider : undefined}
          goesBy={kind.parameters.filter(({ name }) => kind.secretGoesBy?.includes(name) === true)}
          draft={draft}
          onChange={set}
        />
      )}
      <ProviderRules rules={rules} readOnly={props.readOnly} onChange={setRules} />
      <Select
        label={text('providers.admits')}
        allowDeselect={false}
        value={admits}
        data={PROVIDER_ADMISSIONS.map((value) => ({ value, label: text(`providers.admits-${value}`) }))}
        onChange={(value) => setAdmits(value === 'everyone' ? 'everyone' : 'matched')}
      />
      {kind.way === 'redirect' && (
        <Switch
          label={text('providers.trusts-factor')}
          description={text('providers.trusts-factor-help')}
          checked={trustsFactor}
          onChange={(event) => setTrustsFactor(event.currentTarget.checked)}
        />
      )}
      <Switch
        label={text('providers.enabled')}
        description={text('providers.enabled-help')}
        checked={enabled}
        onChange={(event) => setEnabled(event.currentTarget.checked)}
      />
    </FormDrawer>
  );
}

function Address(props: { readonly label: string; readonly value: string | undefined }) {
  if (props.value === undefined) return null;
  return <CopyField label={props.label} value={props.value} />;
}
