import { Checkbox, NumberInput, Select, SimpleGrid, Stack, TagsInput, TextInput } from '@mantine/core';
import type { GrantConditions } from '@enchilada/contract';
import { FACTOR_LEVELS, type FactorLevel, type GrantEffect } from '@enchilada/core/access';
import { useText } from '../i18n/text.tsx';
import { dayNames } from './grant-sentence.tsx';
import { SubjectsSelect } from './subject-select.tsx';

export interface ConditionDraft {
  readonly networks: readonly string[];
  readonly days: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly zone: string;
  /** As the browser's own input has it. */
  readonly until: string;
  /** Empty for no limit. */
  readonly minutes: number | '';
  readonly concurrent: number | '';
  readonly factor: FactorLevel | undefined;
  /** Empty for any age. */
  readonly factorMinutes: number | '';
  readonly approval: ApprovalDraft | undefined;
}

export interface ApprovalDraft {
  readonly groups: readonly string[];
  readonly count: number;
  readonly minutes: number;
  readonly sessions: number;
  readonly breakGlass: boolean;
}

const USUAL_APPROVAL: ApprovalDraft = { groups: [], count: 1, minutes: 480, sessions: 1, breakGlass: false };

const WHOLE = { min: 1, allowDecimal: false, allowNegative: false, hideControls: true };

export const NO_CONDITIONS: ConditionDraft = {
  networks: [],
  days: [],
  from: '08:00',
  to: '18:00',
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  until: '',
  minutes: '',
  concurrent: '',
  factor: undefined,
  factorMinutes: '',
  approval: undefined,
};

/** Undefined where nothing was asked for. */
/** @param effect a grant that denies limits no sessions */
export function conditionsOf(draft: ConditionDraft, effect: GrantEffect): GrantConditions | undefined {
  const { networks, days, from, to, zone, until, minutes, concurrent, factor, factorMinutes, approval } = draft;
  const conditions: GrantConditions = {
    ...(networks.length === 0 ? {} : { networks: [...networks] }),
    ...(days.length === 0
      ? {}
      : { times: { zone, windows: [{ days: days.map(Number).sort(), from, to: to === '00:00' ? '24:00' : to }] } }),
    ...(until === '' ? {} : { notAfter: new Date(until).getTime() }),
    ...(factor === undefined || effect === 'deny'
      ? {}
      : { secondFactor: { level: factor, ...(factorMinutes === '' ? {} : { minutes: factorMinutes }) } }),
    ...(minutes === '' || effect === 'deny' ? {} : { sessionMinutes: minutes }),
    ...(concurrent === '' || effect === 'deny' ? {} : { concurrentSessions: concurrent }),
    ...(approval === undefined || approval.groups.length === 0 || effect === 'deny'
      ? {}
      : { approval: { ...approval, groups: [...approval.groups] } }),
  };
  return Object.keys(conditions).length === 0 ? undefined : conditions;
}

export function ConditionFields(props: {
  readonly effect: GrantEffect;
  readonly draft: ConditionDraft;
  /** Of people. */
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
          <SimpleGrid cols={4} spacing="xs" mt={6}>
            {dayNames(text.language).map((name, index) => (
              <Checkbox key={name} value={String(index + 1)} label={name} />
            ))}
          </SimpleGrid>
        </Checkbox.Group>
        {draft.days.length > 0 && (
          <SimpleGrid cols={{ base: 2, xs: 3 }} spacing="sm">
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
          </SimpleGrid>
        )}
        <TextInput
          type="datetime-local"
          label={text('grants.until')}
          value={draft.until}
          onChange={(event) => set({ until: event.currentTarget.value })}
        />
        {props.effect === 'allow' && <FactorFields draft={draft} onChange={set} />}
        {props.effect === 'allow' && (
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            <NumberInput
              label={text('grants.session-minutes')}
              placeholder={text('grants.no-limit')}
              {...WHOLE}
              max={10_080}
              value={draft.minutes}
              onChange={(value) => set({ minutes: typeof value === 'number' ? value : '' })}
            />
            <NumberInput
              label={text('grants.concurrent')}
              description={text('grants.concurrent-help')}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              placeholder={text('grants.no-limit')}
              {...WHOLE}
              max={100_000}
              value={draft.concurrent}
              onChange={(value) => set({ concurrent: typeof value === 'number' ? value : '' })}
            />
          </SimpleGrid>
        )}
        {props.effect === 'allow' && (
          <Checkbox
            label={text('grants.approval')}
            description={text('grants.approval-help')}
            checked={draft.approval !== undefined}
            onChange={(event) => set({ approval: event.currentTarget.checked ? USUAL_APPROVAL : undefined })}
          />
        )}
        {props.effect === 'allow' && draft.approval !== undefined && (
          <ApprovalFields draft={draft.approval} onChange={(approval) => set({ approval })} />
        )}
      </Stack>
    </fieldset>
  );
}

function FactorFields(props: {
  readonly draft: ConditionDraft;
  readonly onChange: (change: Partial<ConditionDraft>) => void;
}) {
  const text = useText();
  const { factor, factorMinutes } = props.draft;
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
      <Select
        label={text('grants.factor')}
        clearable
        placeholder={text('grants.factor-none')}
        data={FACTOR_LEVELS.map((value) => ({ value, label: text(`grants.factor-${value}`) }))}
        value={factor ?? null}
        onChange={(value) => props.onChange({ factor: FACTOR_LEVELS.find((level) => level === value) })}
      />
      {factor !== undefined && (
        <NumberInput
          label={text('grants.factor-minutes')}
          placeholder={text('grants.no-limit')}
          {...WHOLE}
          max={1_440}
          value={factorMinutes}
          onChange={(value) => props.onChange({ factorMinutes: typeof value === 'number' ? value : '' })}
        />
      )}
    </SimpleGrid>
  );
}

function ApprovalFields(props: { readonly draft: ApprovalDraft; readonly onChange: (draft: ApprovalDraft) => void }) {
  const text = useText();
  const { draft } = props;
  const set = (change: Partial<ApprovalDraft>): void => props.onChange({ ...draft, ...change });
  const whole = (name: 'count' | 'minutes' | 'sessions', max: number) => ({
    label: text(`grants.approval-${name}`),
    ...WHOLE,
    required: true,
    max,
    value: draft[name],
    onChange: (value: string | number) => set({ [name]: typeof value === 'number' ? value : 1 }),
  });
  return (
    <Stack gap="sm" ps="md">
      <SubjectsSelect
        kind="group"
        label={text('grants.approvers')}
        required
        value={draft.groups}
        onChange={(groups) => set({ groups })}
      />
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm" verticalSpacing="sm" style={{ alignItems: 'end' }}>
        <NumberInput {...whole('count', 20)} />
        <NumberInput {...whole('minutes', 43_200)} />
        <NumberInput {...whole('sessions', 1_000)} />
      </SimpleGrid>
      <Checkbox
        label={text('grants.break-glass')}
        checked={draft.breakGlass}
        onChange={(event) => set({ breakGlass: event.currentTarget.checked })}
      />
    </Stack>
  );
}
