import { Button, Drawer, Group, JsonInput, Select, Stack, Text } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import type { RouteInput, RouteOutput } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api } from '../api/client.ts';
import { useAction } from '../components/use-action.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { PreviewResult } from './source-preview.tsx';
import type { Source } from './sources.tsx';

type Rules = RouteInput<'setRules'>['body']['rules'];

const EXAMPLE = `[
  {
    "name": "Production through its jump host",
    "enabled": true,
    "match": { "accounts": ["123456789012"], "platform": "linux" },
    "outcome": { "group": "Production/{accountName}/{network}", "hostKeyPolicy": "deny" }
  }
]`;

function parse(source: string): Rules | undefined {
  try {
    const value: unknown = JSON.parse(source.trim() === '' ? '[]' : source);
    return Array.isArray(value) ? (value as Rules) : undefined;
  } catch {
    return undefined;
  }
}

/** The rules as text, as they stand in version control too; tried against a source before they are saved. */
export function RulesDrawer(props: {
  readonly sources: readonly Source[];
  readonly readOnly: boolean;
  readonly onClose: () => void;
}) {
  const text = useText();
  const client = useQueryClient();
  const saved = useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => api('getRules', {}, { signal }) });
  const [draft, setDraft] = useState<string>();
  const [sourceId, setSourceId] = useState(props.sources[0]?.id ?? null);
  const [preview, setPreview] = useState<RouteOutput<'previewDiscovery'>>();
  const [fault, setFault] = useState<unknown>();
  const [busy, run] = useAction();
  const [looking, look] = useAction();
  useEffect(() => {
    if (saved.data !== undefined && draft === undefined)
      setDraft(saved.data.rules.length === 0 ? '' : JSON.stringify(saved.data.rules, null, 2));
  }, [saved.data, draft]);
  const rules = parse(draft ?? '');
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    setFault(undefined);
    try {
      await act();
    } catch (error) {
      setFault(error);
    }
  };
  return (
    <Drawer opened onClose={props.onClose} size={720} title={text('rules.title')}>
      <Stack>
        <Text size="sm" c="dimmed">
          {text('rules.lead')}
        </Text>
        {fault !== undefined && <FaultNotice error={fault} />}
        <JsonInput
          label={text('rules.text')}
          classNames={{ input: 'mono' }}
          autosize
          minRows={12}
          maxRows={28}
          readOnly={props.readOnly}
          placeholder={EXAMPLE}
          value={draft ?? ''}
          error={rules === undefined ? text('rules.not-json') : undefined}
          onChange={setDraft}
          spellCheck={false}
          data-autofocus
        />
        {preview !== undefined && <PreviewResult preview={preview} />}
        <Group justify="space-between" align="flex-end">
          <Group align="flex-end" gap="xs">
            <Select
              label={text('rules.try-on')}
              data={props.sources.map(({ id, name }) => ({ value: id, label: name }))}
              value={sourceId}
              onChange={setSourceId}
            />
            <Button
              variant="default"
              loading={looking}
              disabled={rules === undefined || sourceId === null}
              leftSection={<IconEye size={16} aria-hidden />}
              onClick={() =>
                void look(() =>
                  attempt(async () => {
                    if (rules !== undefined && sourceId !== null)
                      setPreview(await api('previewDiscovery', { body: { sourceId, rules } }));
                  }),
                )
              }
            >
              {text('sources.preview')}
            </Button>
          </Group>
          {!props.readOnly && (
            <Button
              loading={busy}
              disabled={rules === undefined || saved.data === undefined}
              onClick={() =>
                void run(() =>
                  attempt(async () => {
                    if (rules === undefined || saved.data === undefined) return;
                    await api('setRules', { body: { rules, version: saved.data.version } });
                    await client.invalidateQueries();
                    props.onClose();
                  }),
                )
              }
            >
              {text('common.save')}
            </Button>
          )}
        </Group>
      </Stack>
    </Drawer>
  );
}
