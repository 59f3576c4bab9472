import { Alert, Button, Group, Progress, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { unlistedIn, type RouteOutput } from '@enchilada/contract';
import { useState } from 'react';
import { printable } from '../components/printable.ts';
import { Table } from '../components/table.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import type { PreviewState } from './use-preview.ts';

type Preview = RouteOutput<'previewDiscovery'>;

const SHOWN = 100;
const FAILURES_SHOWN = 5;
const TONES = { appears: 'ok', changes: 'warn', goes: 'bad', stays: 'quiet', 'left-out': 'quiet' } as const;
const ORDER = ['goes', 'appears', 'changes', 'left-out', 'stays'] as const;

/** "These 14 appear, these 3 go", before anything is written. */
export function PreviewResult({ state }: { readonly state: PreviewState }) {
  const text = useText();
  const { preview, fault, busy } = state;
  if (preview === undefined && fault === undefined) return busy ? <Beginning /> : null;
  return (
    <Stack gap="xs">
      {preview !== undefined && (
        <>
          <Text fw={600} role="status">
            {text('preview.summary', {
              appears: text.number(preview.appears),
              changes: text.number(preview.changes),
              goes: text.number(preview.goes),
              stays: text.number(preview.stays),
            })}
            {preview.leftOut > 0 && `, ${text('preview.summary-left-out', { count: text.number(preview.leftOut) })}`}
          </Text>
          <HowFar state={state} preview={preview} />
          <Failures failures={preview.failures} />
          <Machines preview={preview} />
        </>
      )}
      {fault !== undefined && <FaultNotice error={fault} />}
    </Stack>
  );
}

function Beginning() {
  const text = useText();
  return (
    <Text size="sm" c="dimmed" role="status">
      {text('preview.beginning')}
    </Text>
  );
}

/** How much of a large source was looked at. */
function HowFar({ state, preview }: { readonly state: PreviewState; readonly preview: Preview }) {
  const text = useText();
  const { scopes, rest } = preview;
  const all = scopes + rest.length;
  if (rest.length === 0)
    return (
      <Text size="xs" c="dimmed">
        {text.count('preview.whole', all)}
      </Text>
    );
  const far = text('preview.so-far', { scopes: text.number(scopes), all: text.number(all) });
  return (
    <Stack gap={4}>
      {state.busy && <Progress size="sm" value={(scopes / all) * 100} aria-label={far} />}
      <Group justify="space-between" gap="xs">
        <Text size="sm" c={state.busy ? 'dimmed' : 'yellow'}>
          {state.busy ? far : text('preview.stopped', { scopes: text.number(scopes), all: text.number(all) })}
        </Text>
        {state.busy && (
          <Button size="compact-xs" variant="default" onClick={state.stop}>
            {text('preview.stop')}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

function Failures({ failures }: Pick<Preview, 'failures'>) {
  const text = useText();
  const more = failures.length - FAILURES_SHOWN;
  return (
    <>
      {failures.slice(0, FAILURES_SHOWN).map((failure) => (
        <Alert
          key={`${failure.account} ${failure.region}`}
          color="red"
          icon={<IconAlertTriangle size={16} aria-hidden />}
          title={`${failure.account} ${failure.region}`}
        >
          {printable(failure.detail)}
        </Alert>
      ))}
      {more > 0 && <Text size="sm">{text.count('preview.more-failures', more)}</Text>}
    </>
  );
}

function Machines({ preview }: { readonly preview: Preview }) {
  const text = useText();
  const [shown, setShown] = useState(SHOWN);
  const machines = [...preview.machines].sort((a, b) => ORDER.indexOf(a.effect) - ORDER.indexOf(b.effect));
  if (machines.length === 0) return null;
  const hidden = Math.max(0, machines.length - shown);
  const more = unlistedIn(preview) + hidden;
  return (
    <>
      <div className="panel table-wrap preview-list">
        <Table columns={[text('field.machine'), text('preview.effect'), text('field.group'), text('preview.why')]}>
          {machines.slice(0, shown).map((machine) => (
            <tr key={`${machine.account} ${machine.region} ${machine.machine}`}>
              <td>
                <strong>{printable(machine.name || machine.machine)}</strong>
                <div className="sub mono">{machine.host ?? machine.machine}</div>
              </td>
              <td>
                <span className="state" data-tone={TONES[machine.effect]}>
                  {text(`preview.${machine.effect}`)}
                </span>
                {machine.omitted !== undefined && <div className="sub">{text(`omitted.${machine.omitted}`)}</div>}
              </td>
              <td>{printable(machine.group ?? '')}</td>
              <td className="sub">{[...new Set(machine.trace.map(({ rule }) => rule))].join(', ')}</td>
            </tr>
          ))}
        </Table>
      </div>
      {more > 0 && (
        <Group justify="space-between" gap="xs">
          <Text size="xs" c="dimmed">
            {text.count('preview.cut', more, { shown: text.number(machines.length - hidden) })}
          </Text>
          {hidden > 0 && (
            <Button size="compact-xs" variant="default" onClick={() => setShown(machines.length)}>
              {text.count('preview.show-more', hidden)}
            </Button>
          )}
        </Group>
      )}
    </>
  );
}
