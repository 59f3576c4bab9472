import { Checkbox, Group, Select, Stack, TagsInput, TextInput } from '@mantine/core';
import type { GrantConditions } from '@enchilada/contract';
import { useText } from '../i18n/text.tsx';
import { dayNames } from './grant-sentence.tsx';

export interface ConditionDraft {
  readonly networks: readonly string[];
  readonly days: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly zone: string;
  /** As the browser's own input has it. */
  readonly until: string;
}

export const NO_CONDITIONS: ConditionDraft = {
  networks: [],
  days: [],
  from: '08:00',
  to: '18:00',
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  until: '',
};

/** Undefined where nothing was asked for. */
export function conditionsOf({ networks, days, from, to, zone, until }: ConditionDraft): GrantConditions | undefined {
  const conditions: GrantConditions = {
    ...(networks.length === 0 ? {} : { networks: [...networks] }),
    ...(days.length === 0
      ? {}
      : { times: { zone, windows: [{ days: days.map(Number).sort(), from, to: to === '00:00' ? '24:00' : to }] } }),
    ...(until === '' ? {} : { notAfter: new Date(until).getTime() }),
  };
  return Object.keys(conditions).length === 0 ? undefined : conditions;
}

export function ConditionFields(props: {
  readonly draft: ConditionDraft;
  readonly onChange: (draft: ConditionDraft) => void;
}) {
  const text = useText();
  const { draft } = props;
  const set = (change: Partial<ConditionDraft>): void => props.onChange({ ...draft, ...change });
  return (
    <fieldset className="form-group">
      <legend>{text('grants.only')}</legend>
      <Stack gap="sm">
        <TagsInput
          label={text('grants.networks')}
          description={text('grants.networks-help')}
          value={[...draft.networks]}
          onChange={(networks) => set({ networks })}
          maxTags={100}
        />
        <Checkbox.Group
          label={text('grants.days')}
          description={text('grants.days-help')}
          value={[...draft.days]}
          onChange={(days) => set({ days })}
        >
          <Group gap="sm" mt={6}>
            {dayNames(text.language).map((name, index) => (
              <Checkbox key={name} value={String(index + 1)} label={name} />
            ))}
          </Group>
        </Checkbox.Group>
        {draft.days.length > 0 && (
          <Group grow align="flex-start">
            <TextInput
              type="time"
              label={text('grants.from')}
              required
              value={draft.from}
              onChange={(event) => set({ from: event.currentTarget.value })}
            />
            <TextInput
              type="time"
              label={text('grants.to')}
              required
              value={draft.to}
              onChange={(event) => set({ to: event.currentTarget.value })}
            />
            <Select
              label={text('grants.zone')}
              searchable
              allowDeselect={false}
              data={[...new Set(['UTC', draft.zone, ...Intl.supportedValuesOf('timeZone')])]}
              value={draft.zone}
              onChange={(zone) => set({ zone: zone ?? 'UTC' })}
            />
          </Group>
        )}
        <TextInput
          type="datetime-local"
          label={text('grants.until')}
          value={draft.until}
          onChange={(event) => set({ until: event.currentTarget.value })}
        />
      </Stack>
    </fieldset>
  );
}
