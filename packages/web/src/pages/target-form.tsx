import { Alert, Group, NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import type { Engine, Target } from '@enchilada/contract';
import { HOST_KEY_POLICIES } from '@enchilada/core/target';
import { IconLockOpen } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { FormDrawer, useSave } from '../components/form.tsx';
import { useText } from '../i18n/text.tsx';
import { FoldedParameters } from './kind-form.tsx';
import { MachineSelect } from './machine-select.tsx';
import { groupPath, type GroupRow } from './machine-search.ts';
import { changedParameters, draftOf, textToLabels, type TargetDraft } from './target-values.ts';

export interface TargetFormProps {
  readonly target: Target | undefined;
  readonly engines: readonly Engine[];
  readonly groups: ReadonlyMap<string, GroupRow>;
  readonly readOnly: boolean;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}

const OPTIONAL = ['groupId', 'credentialId', 'jumpTargetId', 'filesTargetId'] as const;

/** The machine's settings; everything below the address comes from the protocol's manifest. */
export function TargetForm(props: TargetFormProps) {
  const text = useText();
  const me = useMe();
  const { target, engines } = props;
  const [draft, setDraft] = useState<TargetDraft>(() => draftOf(target, engines[0]));
  const engine = engines.find((candidate) => candidate.id === draft.protocol);
  const carriers = new Set(engines.filter(({ carries }) => carries === true).map(({ id }) => id));
  const filed = new Set(engines.filter(({ holdsFiles }) => holdsFiles === true).map(({ id }) => id));
  const credentials = useQuery({
    queryKey: ['credentials'],
    queryFn: ({ signal }) => api('listCredentials', {}, { signal }),
    enabled: can(me, 'credential.read'),
  });
  const set = (change: Partial<TargetDraft>): void => setDraft((current) => ({ ...current, ...change }));

  const save = useSave(async () => {
    if (engine === undefined) return;
    const body = {
      name: draft.name.trim(),
      protocol: draft.protocol,
      host: draft.host.trim(),
      port: draft.port,
      labels: textToLabels(draft.labels),
      description: draft.description,
      parameters: changedParameters(engine, draft.parameters),
      hostKeyPolicy: draft.hostKeyPolicy,
      ...(draft.proofMinutes === undefined ? {} : { proofMinutes: draft.proofMinutes }),
      ...Object.fromEntries(OPTIONAL.flatMap((name) => (draft[name] === '' ? [] : [[name, draft[name]]]))),
    };
    if (target === undefined) await api('createTarget', { body });
    else await api('updateTarget', { params: { id: target.id }, body: { ...body, version: target.version } });
    props.onSaved();
  });

  const chooseProtocol = (protocol: string | null): void => {
    const next = engines.find((candidate) => candidate.id === protocol);
    if (next !== undefined)
      set({
        protocol: next.id,
        port: draft.port === engine?.defaultPort ? next.defaultPort : draft.port,
        parameters: {},
        ...(next.holdsFiles === true ? { filesTargetId: '' } : {}),
      });
  };
  const groupOptions = [...props.groups.keys()]
    .map((id) => ({ value: id, label: groupPath(props.groups, id).join(' / ') }))
    .toSorted((a, b) => a.label.localeCompare(b.label));
  const usable =
    credentials.data?.items.filter((credential) => engine?.credentialKinds.includes(credential.kind) === true) ?? [];

  return (
    <FormDrawer
      title={target === undefined ? text('catalog.add') : target.name}
      size={520}
      save={save}
      readOnly={props.readOnly}
      submit={text(target === undefined ? 'catalog.add' : 'common.save')}
      onClose={props.onClose}
    >
      <TextInput
        label={text('field.name')}
        required
        maxLength={200}
        value={draft.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        data-autofocus
      />
      <Select
        label={text('field.protocol')}
        required
        allowDeselect={false}
        data={engines.map((entry) => ({ value: entry.id, label: text.of(entry.label) }))}
        value={draft.protocol}
        onChange={chooseProtocol}
      />
      <Group gap="sm" align="flex-start" wrap="nowrap">
        <TextInput
          flex={1}
          label={text('field.address')}
          required
          maxLength={253}
          placeholder="db-01.example.net"
          spellCheck={false}
          autoCapitalize="none"
          value={draft.host}
          onChange={(event) => set({ host: event.currentTarget.value })}
          disabled={target?.builtIn === true}
        />
        <NumberInput
          w={110}
          label={text('field.port')}
          required
          min={1}
          max={65_535}
          hideControls
          value={draft.port}
          disabled={target?.builtIn === true}
          onChange={(port) => {
            if (typeof port === 'number') set({ port });
          }}
        />
      </Group>
      {can(me, 'credential.read') && (
        <Select
          label={text('field.credential')}
          description={text('catalog.credential-help')}
          clearable
          searchable
          data={usable.map((credential) => ({
            value: credential.id,
            label: `${credential.name} · ${text(`credential-kind.${credential.kind}`)}`,
          }))}
          value={draft.credentialId === '' ? null : draft.credentialId}
          onChange={(id) => set({ credentialId: id ?? '' })}
          nothingFoundMessage={text('catalog.no-credential')}
        />
      )}
      <Select
        label={text('field.group')}
        clearable
        searchable
        data={groupOptions}
        value={draft.groupId === '' ? null : draft.groupId}
        onChange={(id) => set({ groupId: id ?? '' })}
      />
      <Textarea
        label={text('field.labels')}
        description={text('catalog.labels-help')}
        autosize
        minRows={2}
        maxRows={6}
        value={draft.labels}
        onChange={(event) => set({ labels: event.currentTarget.value })}
        spellCheck={false}
      />
      <TextInput
        label={text('field.description')}
        maxLength={2000}
        value={draft.description}
        onChange={(event) => set({ description: event.currentTarget.value })}
      />
      {engine?.cleartext === true && (
        <Alert color="yellow" icon={<IconLockOpen aria-hidden />}>
          {text('catalog.cleartext')}
        </Alert>
      )}
      {engine?.hostKeys === true && (
        <Select
          label={text('field.host-key-policy')}
          description={text(`host-key-policy.${draft.hostKeyPolicy}.help`)}
          allowDeselect={false}
          data={HOST_KEY_POLICIES.map((policy) => ({ value: policy, label: text(`host-key-policy.${policy}`) }))}
          value={draft.hostKeyPolicy}
          onChange={(policy) => set({ hostKeyPolicy: policy ?? 'ask' })}
        />
      )}
      <NumberInput
        label={text('catalog.proof-minutes')}
        description={text('catalog.proof-minutes-help')}
        min={1}
        max={1440}
        suffix={` ${text('unit.minutes')}`}
        value={draft.proofMinutes ?? ''}
        onChange={(minutes) => set({ proofMinutes: typeof minutes === 'number' ? minutes : undefined })}
      />
      {engine?.jumpHosts === true && (
        <MachineSelect
          label={text('field.jump')}
          description={text('catalog.jump-help')}
          clearable
          protocols={carriers}
          offers={(other) => other.id !== target?.id && !other.builtIn}
          value={draft.jumpTargetId === '' ? null : draft.jumpTargetId}
          onChange={(id) => set({ jumpTargetId: id ?? '' })}
        />
      )}
      {engine !== undefined && engine.holdsFiles !== true && filed.size > 0 && (
        <MachineSelect
          label={text('field.files')}
          description={text('catalog.files-help')}
          clearable
          protocols={filed}
          offers={(other) => other.id !== target?.id && !other.builtIn}
          value={draft.filesTargetId === '' ? null : draft.filesTargetId}
          onChange={(id) => set({ filesTargetId: id ?? '' })}
        />
      )}
      {engine !== undefined && (
        <FoldedParameters
          parameters={engine.parameters}
          values={draft.parameters}
          disabled={props.readOnly}
          onChange={(parameters) => set({ parameters })}
        />
      )}
    </FormDrawer>
  );
}
