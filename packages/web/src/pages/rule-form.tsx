import {
  Checkbox,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  Stack,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core';
import type { Engine } from '@enchilada/contract';
import { GRANT_ACTIONS, type GrantAction } from '@enchilada/core/access';
import { HOST_KEY_POLICIES } from '@enchilada/core/target';
import { useState } from 'react';
import { useText } from '../i18n/text.tsx';
import { FoldedParameters } from './kind-form.tsx';
import { MachineSelect } from './machine-select.tsx';
import { linesToTags, type Match, type Outcome, type RuleDraft, tagsToLines, without } from './rule-draft.ts';
import { SubjectsSelect } from './subject-select.tsx';
import { changedParameters } from './target-values.ts';

interface Choice {
  readonly value: string;
  readonly label: string;
}

/** What rules can point to. */
export interface RuleChoices {
  readonly engines: readonly Engine[];
  readonly sources: readonly Choice[];
  readonly credentials: readonly (Choice & { readonly kind: Engine['credentialKinds'][number] })[];
}

const ADDRESSES = ['private', 'private-name', 'public', 'public-name'] as const;
const INPUTS = ['off', 'length', 'echoed'] as const;

/** One rule: what it is about, what it makes of it, and who may then do what. */
export function RuleForm(props: {
  readonly rule: RuleDraft;
  readonly choices: RuleChoices;
  readonly readOnly: boolean;
  readonly onChange: (rule: RuleDraft) => void;
}) {
  const text = useText();
  const { rule, readOnly } = props;
  const skips = rule.outcome.skip === true;
  return (
    <fieldset className="form-group" disabled={readOnly}>
      <Stack gap="lg">
        <TextInput
          label={text('field.name')}
          required
          maxLength={100}
          value={rule.name}
          onChange={(event) => props.onChange({ ...rule, name: event.currentTarget.value })}
        />
        <MatchFields {...props} />
        <Stack gap="sm">
          <Title order={4} size="h3">
            {text('rule.outcome')}
          </Title>
          <Switch
            label={text('rule.skip')}
            checked={skips}
            onChange={(event) =>
              props.onChange({ ...rule, outcome: event.currentTarget.checked ? { skip: true } : {} })
            }
          />
          {!skips && <OutcomeFields {...props} />}
        </Stack>
        {!skips && <RightsFields {...props} />}
      </Stack>
    </fieldset>
  );
}

type Fields = Parameters<typeof RuleForm>[0];

function MatchFields({ rule, choices, onChange }: Fields) {
  const text = useText();
  const { match } = rule;
  const [tags, setTags] = useState(() => tagsToLines(match.tags));
  const set = (change: Partial<Match>): void => onChange({ ...rule, match: without({ ...match, ...change }) });
  return (
    <Stack gap="sm">
      <Title order={4} size="h3">
        {text('rule.match')}
      </Title>
      <Text size="xs" c="dimmed">
        {text('rule.match-help')}
      </Text>
      <div className="rule-fields">
        <MultiSelect
          label={text('nav.sources')}
          placeholder={text('rule.any')}
          data={[...choices.sources]}
          value={[...(match.sources ?? [])]}
          onChange={(sources) => set({ sources })}
        />
        <Select
          label={text('rule.platform')}
          placeholder={text('rule.any')}
          clearable
          data={[
            { value: 'linux', label: 'Linux' },
            { value: 'windows', label: 'Windows' },
          ]}
          value={match.platform ?? null}
          onChange={(platform) => set({ platform: platform ?? undefined })}
        />
        <Select
          label={text('rule.opened-by')}
          placeholder={text('rule.any')}
          clearable
          data={choices.engines.map(({ id, label }) => ({ value: id, label: text.of(label) }))}
          value={match.protocol ?? null}
          onChange={(protocol) => {
            // What a rule matches by it does not choose.
            const outcome = without({ ...rule.outcome, protocol: undefined, parameters: undefined });
            onChange({ ...rule, match: without({ ...match, protocol: protocol ?? undefined }), outcome });
          }}
        />
        <TagsInput
          label={text('rule.accounts')}
          placeholder={text('rule.any')}
          value={[...(match.accounts ?? [])]}
          onChange={(accounts) => set({ accounts })}
        />
        <TagsInput
          label={text('rule.regions')}
          placeholder={text('rule.any')}
          value={[...(match.regions ?? [])]}
          onChange={(regions) => set({ regions })}
        />
        <TextInput
          label={text('rule.image')}
          placeholder="ami-0abc*"
          maxLength={200}
          spellCheck={false}
          value={match.image ?? ''}
          onChange={(event) => set({ image: event.currentTarget.value })}
        />
        <TextInput
          label={text('rule.name')}
          placeholder="web-*"
          maxLength={200}
          spellCheck={false}
          value={match.name ?? ''}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
      </div>
      <Textarea
        label={text('rule.tags')}
        description={text('rule.tags-help')}
        placeholder="team=payments,shop"
        autosize
        minRows={1}
        maxRows={6}
        spellCheck={false}
        value={tags}
        onChange={(event) => {
          setTags(event.currentTarget.value);
          set({ tags: linesToTags(event.currentTarget.value) });
        }}
      />
    </Stack>
  );
}

function OutcomeFields({ rule, choices, readOnly, onChange }: Fields) {
  const text = useText();
  const { outcome } = rule;
  const set = (change: Partial<Outcome>): void => onChange({ ...rule, outcome: without({ ...outcome, ...change }) });
  const engine = choices.engines.find(({ id }) => id === (outcome.protocol ?? rule.match.protocol));
  const carriers = new Set(choices.engines.filter(({ carries }) => carries === true).map(({ id }) => id));
  const usable = choices.credentials.filter(
    ({ kind }) => engine === undefined || engine.credentialKinds.includes(kind),
  );
  return (
    <>
      <div className="rule-fields">
        <Select
          label={text('field.protocol')}
          placeholder={text('rule.by-platform')}
          clearable
          disabled={rule.match.protocol !== undefined}
          data={choices.engines.map(({ id, label }) => ({ value: id, label: text.of(label) }))}
          value={outcome.protocol ?? null}
          onChange={(protocol) => set({ protocol: protocol ?? undefined, parameters: undefined })}
        />
        <NumberInput
          label={text('field.port')}
          placeholder={text('rule.by-protocol')}
          min={1}
          max={65_535}
          hideControls
          value={outcome.port ?? ''}
          onChange={(port) => set({ port: typeof port === 'number' ? port : undefined })}
        />
        <Select
          label={text('field.credential')}
          clearable
          searchable
          data={usable}
          value={outcome.credentialId ?? null}
          onChange={(id) => set({ credentialId: id ?? undefined })}
          nothingFoundMessage={text('catalog.no-credential')}
        />
        <MachineSelect
          label={text('field.jump')}
          clearable
          protocols={carriers}
          offers={({ builtIn }) => !builtIn}
          value={outcome.jumpTargetId ?? null}
          onChange={(id) => set({ jumpTargetId: id ?? undefined })}
        />
        <Select
          label={text('field.host-key-policy')}
          clearable
          placeholder={text('host-key-policy.ask')}
          data={HOST_KEY_POLICIES.map((value) => ({ value, label: text(`host-key-policy.${value}`) }))}
          value={outcome.hostKeyPolicy ?? null}
          onChange={(policy) => set({ hostKeyPolicy: policy ?? undefined })}
        />
        <Select
          label={text('field.address')}
          clearable
          placeholder={text('rule-address.private')}
          data={ADDRESSES.map((value) => ({ value, label: text(`rule-address.${value}`) }))}
          value={outcome.address ?? null}
          onChange={(address) => set({ address: address ?? undefined })}
        />
      </div>
      <TextInput
        label={text('field.group')}
        description={text('rule.template-help')}
        placeholder="{source}/{accountName}"
        maxLength={500}
        spellCheck={false}
        value={outcome.group ?? ''}
        onChange={(event) => set({ group: event.currentTarget.value })}
      />
      <div className="rule-fields">
        <TextInput
          label={text('rule.shown-name')}
          placeholder="{name}"
          maxLength={200}
          spellCheck={false}
          value={outcome.name ?? ''}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        <Select
          label={text('setting.inputRecording')}
          clearable
          placeholder={text('rule.by-setting')}
          data={INPUTS.map((value) => ({ value, label: text(`input-recording.${value}`) }))}
          value={outcome.inputRecording ?? null}
          onChange={(input) => set({ inputRecording: input ?? undefined })}
        />
      </div>
      {engine !== undefined && (
        <FoldedParameters
          parameters={engine.parameters}
          values={outcome.parameters ?? {}}
          disabled={readOnly}
          onChange={(values) => set({ parameters: changedParameters(engine, values) })}
        />
      )}
    </>
  );
}

function RightsFields({ rule, onChange }: Fields) {
  const text = useText();
  const { groups = [], actions = [] } = rule.outcome.grants ?? {};
  const set = (next: { readonly groups: string[]; readonly actions: GrantAction[] }): void =>
    onChange({ ...rule, outcome: without({ ...rule.outcome, grants: next.groups.length === 0 ? undefined : next }) });
  return (
    <Stack gap="sm">
      <Title order={4} size="h3">
        {text('rule.rights')}
      </Title>
      <Text size="xs" c="dimmed">
        {text('rule.rights-help')}
      </Text>
      <SubjectsSelect
        kind="group"
        label={text('rule.groups')}
        value={groups}
        onChange={(next) => set({ groups: next, actions: actions.length === 0 ? ['connect'] : [...actions] })}
      />
      {groups.length > 0 && (
        <Checkbox.Group
          label={text('grants.may')}
          value={[...actions]}
          onChange={(next) => set({ groups: [...groups], actions: GRANT_ACTIONS.filter((one) => next.includes(one)) })}
        >
          <Group gap="md" mt={4}>
            {GRANT_ACTIONS.map((action) => (
              <Checkbox key={action} value={action} label={text(`grant-action.${action}`)} />
            ))}
          </Group>
        </Checkbox.Group>
      )}
    </Stack>
  );
}
