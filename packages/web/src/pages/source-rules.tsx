import {
  Accordion,
  ActionIcon,
  Button,
  Group,
  JsonInput,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  Text,
} from '@mantine/core';
import { IconArrowUp, IconEye, IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { Drawer } from '../components/layer.tsx';
import { useAction } from '../components/use-action.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { movedUp, parseRules, type RuleDraft } from './rule-draft.ts';
import { type RuleChoices, RuleForm } from './rule-form.tsx';
import { PreviewResult } from './source-preview.tsx';
import type { Source } from './source.ts';
import { usePreview } from './use-preview.ts';

const SETTLE_MS = 600;
const EVERY = 'every';

/** The rules, as a form or as the text that stands in version control; each change shows what it would do to what is known. */
export function RulesDrawer(props: {
  readonly sources: readonly Source[];
  readonly readOnly: boolean;
  readonly onClose: () => void;
}) {
  const text = useText();
  const client = useQueryClient();
  const saved = useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => api('getRules', {}, { signal }) });
  const [draft, setDraft] = useState<string>();
  const [asText, setAsText] = useState(false);
  const [fault, setFault] = useState<unknown>();
  const [busy, run] = useAction();
  useEffect(() => {
    if (saved.data !== undefined && draft === undefined)
      setDraft(saved.data.rules.length === 0 ? '' : JSON.stringify(saved.data.rules, null, 2));
  }, [saved.data, draft]);
  const rules = parseRules(draft ?? '');
  const save = async (): Promise<void> => {
    if (rules === undefined || saved.data === undefined) return;
    setFault(undefined);
    try {
      await api('setRules', { body: { rules, version: saved.data.version } });
      await client.invalidateQueries();
      props.onClose();
    } catch (error) {
      setFault(error);
    }
  };
  return (
    <Drawer opened onClose={props.onClose} closeOnClickOutside={props.readOnly} size={760} title={text('rules.title')}>
      <Stack>
        <Text size="sm" c="dimmed">
          {text('rules.lead')}
        </Text>
        <SegmentedControl
          aria-label={text('rules.title')}
          data={[
            { value: 'form', label: text('rules.as-form'), disabled: rules === undefined },
            { value: 'text', label: text('rules.as-text') },
          ]}
          value={asText ? 'text' : 'form'}
          onChange={(value) => setAsText(value === 'text')}
        />
        {asText || rules === undefined ? (
          <JsonInput
            label={text('rules.text')}
            classNames={{ input: 'mono' }}
            autosize
            minRows={12}
            maxRows={28}
            readOnly={props.readOnly}
            value={draft ?? ''}
            error={rules === undefined ? text('rules.not-json') : undefined}
            onChange={setDraft}
            spellCheck={false}
          />
        ) : (
          <RuleList
            rules={rules}
            sources={props.sources}
            readOnly={props.readOnly}
            onChange={(next) => setDraft(JSON.stringify(next, null, 2))}
          />
        )}
        {rules !== undefined && saved.data !== undefined && <Trial rules={rules} sources={props.sources} />}
        {fault !== undefined && <FaultNotice error={fault} />}
        {!props.readOnly && (
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={props.onClose}>
              {text('common.cancel')}
            </Button>
            <Button
              loading={busy}
              disabled={rules === undefined || saved.data === undefined}
              onClick={() => void run(save)}
            >
              {text('common.save')}
            </Button>
          </Group>
        )}
      </Stack>
    </Drawer>
  );
}

function RuleList(props: {
  readonly rules: readonly RuleDraft[];
  readonly sources: readonly Source[];
  readonly readOnly: boolean;
  readonly onChange: (rules: readonly RuleDraft[]) => void;
}) {
  const text = useText();
  const { rules, readOnly } = props;
  const choices = useChoices(props.sources);
  const [open, setOpen] = useState<string | null>(null);
  const set = (index: number, rule: RuleDraft): void => props.onChange(rules.with(index, rule));
  return (
    <>
      {rules.length === 0 && <p className="palette-none">{text('rules.none')}</p>}
      <Accordion chevronPosition="left" variant="separated" value={open} onChange={setOpen}>
        {rules.map((rule, index) => (
          <Accordion.Item key={index} value={String(index)}>
            <Group wrap="nowrap" gap="xs" pr="sm">
              <Accordion.Control>
                <span className="rule-title">
                  {index + 1}. {rule.name}
                </span>
              </Accordion.Control>
              <Switch
                aria-label={text('rule.enabled', { name: rule.name })}
                disabled={readOnly}
                checked={rule.enabled}
                onChange={(event) => set(index, { ...rule, enabled: event.currentTarget.checked })}
              />
              {!readOnly && (
                <>
                  <ActionIcon
                    aria-label={text('rule.move-up', { name: rule.name })}
                    disabled={index === 0}
                    onClick={() => {
                      props.onChange(movedUp(rules, index));
                      setOpen(null);
                    }}
                  >
                    <IconArrowUp size={16} aria-hidden />
                  </ActionIcon>
                  <ActionIcon
                    aria-label={text('rule.remove', { name: rule.name })}
                    onClick={() => {
                      props.onChange(rules.toSpliced(index, 1));
                      setOpen(null);
                    }}
                  >
                    <IconTrash size={16} aria-hidden />
                  </ActionIcon>
                </>
              )}
            </Group>
            <Accordion.Panel>
              {open === String(index) && (
                <RuleForm rule={rule} choices={choices} readOnly={readOnly} onChange={(next) => set(index, next)} />
              )}
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
      {!readOnly && (
        <Button
          variant="default"
          size="xs"
          style={{ alignSelf: 'flex-start' }}
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => {
            const name = text('rule.new', { number: rules.length + 1 });
            props.onChange([...rules, { name, enabled: true, match: {}, outcome: {} }]);
            setOpen(String(rules.length));
          }}
        >
          {text('rule.add')}
        </Button>
      )}
    </>
  );
}

/** What the rules would do: to what is known at once, and on wish to what the cloud says now. */
function Trial({ rules, sources }: { readonly rules: RuleDraft[]; readonly sources: readonly Source[] }) {
  const text = useText();
  const [sourceId, setSourceId] = useState(EVERY);
  const trial = usePreview();
  const { look } = trial;
  const key = JSON.stringify(rules);
  const of = sourceId === EVERY ? {} : { sourceId };
  useEffect(() => {
    const timer = setTimeout(() => look({ ...of, rules, known: true }), SETTLE_MS);
    return () => clearTimeout(timer);
    // What is judged is in these two.
  }, [key, sourceId]);
  return (
    <Stack gap="sm">
      <PreviewResult state={trial} />
      <Group align="flex-end" gap="xs">
        <Select
          label={text('rules.try-on')}
          allowDeselect={false}
          data={[
            { value: EVERY, label: text('rules.try-on-all') },
            ...sources.map(({ id, name }) => ({ value: id, label: name })),
          ]}
          value={sourceId}
          onChange={(id) => setSourceId(id ?? EVERY)}
        />
        <Button
          variant="default"
          loading={trial.busy}
          disabled={sourceId === EVERY}
          leftSection={<IconEye size={16} aria-hidden />}
          onClick={() => look({ ...of, rules })}
        >
          {text('rules.read-now')}
        </Button>
      </Group>
    </Stack>
  );
}

function useChoices(sources: readonly Source[]): RuleChoices {
  const text = useText();
  const me = useMe();
  const engines = useQuery({ queryKey: ['engines'], queryFn: ({ signal }) => api('listEngines', {}, { signal }) });
  const credentials = useQuery({
    queryKey: ['credentials'],
    queryFn: ({ signal }) => api('listCredentials', {}, { signal }),
    enabled: can(me, 'credential.read'),
  });
  return {
    engines: engines.data?.items ?? [],
    sources: sources.map(({ id, name }) => ({ value: id, label: name })),
    credentials: (credentials.data?.items ?? []).map(({ id, name, kind }) => ({
      value: id,
      label: `${name} · ${text(`credential-kind.${kind}`)}`,
      kind,
    })),
  };
}
