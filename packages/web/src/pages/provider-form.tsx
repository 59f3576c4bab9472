import { Alert, PasswordInput, Select, Stack, Switch, TextInput, Title } from '@mantine/core';
import { IconCopy } from '@tabler/icons-react';
import { changedFields } from '@enchilada/core/engine';
import { PROVIDER_ADMISSIONS, type ProviderAdmission } from '@enchilada/core/identity';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { FormDrawer, useSave } from '../components/form.tsx';
import { useText } from '../i18n/text.tsx';
import { ParameterInput } from './parameter-field.tsx';
import { ProviderProvisioning } from './provider-provisioning.tsx';
import { ProviderRules, type RuleDraft } from './provider-rules.tsx';
import type { Provider, ProviderKind } from './providers.tsx';
import { filled, type ParameterValue } from './target-values.ts';

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
  const [name, setName] = useState(provider?.name ?? text.of(kind.label));
  const [parameters, setParameters] = useState<Readonly<Record<string, ParameterValue>>>(provider?.parameters ?? {});
  const [secret, setSecret] = useState('');
  const [rules, setRules] = useState<readonly RuleDraft[]>(provider?.rules ?? []);
  const [admits, setAdmits] = useState<ProviderAdmission>(provider?.admits ?? 'matched');
  const [trustsFactor, setTrustsFactor] = useState(provider?.trustsFactor ?? false);
  const [enabled, setEnabled] = useState(provider?.enabled ?? false);
  const save = useSave(async () => {
    const fields = {
      ...{ name: name.trim(), parameters: filled(parameters), admits, trustsFactor, enabled },
      rules: rules.map((rule) => ({ ...rule, from: rule.from.trim() })),
      ...(secret === '' ? {} : { secret }),
    };
    const saved =
      provider === undefined
        ? await api('createProvider', { body: { ...fields, kind: kind.kind } })
        : await api('updateProvider', { params: { id: provider.id }, body: { ...fields, version: provider.version } });
    props.onSaved(saved);
  });
  const places = kind.parameters.filter((field) => kind.secretGoesBy?.includes(field.name) === true);
  const secretMoves =
    provider?.hasSecret === true && changedFields(places, provider.parameters, filled(parameters)).length > 0;
  const groups = [...new Set(kind.parameters.map((field) => text.of(field.group)))];
  return (
    <FormDrawer
      title={provider?.name ?? text.of(kind.label)}
      size={620}
      save={save}
      readOnly={props.readOnly}
      onClose={props.onClose}
      below={provider !== undefined && <ProviderProvisioning id={provider.id} readOnly={props.readOnly} />}
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
      <TextInput
        label={text('field.name')}
        required
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
      {groups.map((group) => (
        <Stack key={group} gap="sm">
          <Title order={3} size="h5">
            {group}
          </Title>
          {kind.parameters
            .filter((field) => text.of(field.group) === group)
            .map((field) => (
              <ParameterInput
                key={field.name}
                field={field}
                value={parameters[field.name]}
                disabled={props.readOnly}
                onChange={(value) => setParameters({ ...parameters, [field.name]: value })}
              />
            ))}
        </Stack>
      ))}
      {kind.way !== 'proxy' && (
        <PasswordInput
          label={text.of(kind.secret)}
          description={
            provider?.hasSecret === true
              ? text(secretMoves ? 'providers.secret-anew' : 'providers.secret-kept')
              : undefined
          }
          required={secretMoves}
          value={secret}
          maxLength={4000}
          onChange={(event) => setSecret(event.currentTarget.value)}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ 'aria-label': text('field.show-password') }}
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
  return (
    <TextInput
      label={props.label}
      readOnly
      classNames={{ input: 'mono' }}
      value={props.value}
      rightSection={<IconCopy size={14} aria-hidden />}
      onFocus={(event) => event.currentTarget.select()}
    />
  );
}
