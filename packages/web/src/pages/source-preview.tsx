import { Alert, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { printable } from '../components/printable.ts';
import { Table } from '../components/table.tsx';
import { useText } from '../i18n/text.tsx';

const SHOWN = 100;
const TONES = { appears: 'ok', changes: 'warn', goes: 'bad', stays: 'quiet', 'left-out': 'quiet' } as const;
const ORDER = ['goes', 'appears', 'changes', 'left-out', 'stays'] as const;

/** "These 14 appear, these 3 go", before anything is written. */
export function PreviewResult({ preview }: { readonly preview: RouteOutput<'previewDiscovery'> }) {
  const text = useText();
  const machines = [...preview.machines].sort((a, b) => ORDER.indexOf(a.effect) - ORDER.indexOf(b.effect));
  return (
    <Stack gap="xs" role="status">
      <Text fw={600}>
        {text('preview.summary', {
          appears: preview.appears,
          changes: preview.changes,
          goes: preview.goes,
          stays: preview.stays,
        })}
      </Text>
      {preview.failures.map((failure) => (
        <Alert
          key={`${failure.account} ${failure.region}`}
          color="red"
          icon={<IconAlertTriangle size={16} aria-hidden />}
          title={`${failure.account} ${failure.region}`}
        >
          {printable(failure.detail)}
        </Alert>
      ))}
      {machines.length > 0 && (
        <div className="panel table-wrap preview-list">
          <Table columns={[text('field.machine'), text('preview.effect'), text('field.group'), text('preview.why')]}>
            {machines.slice(0, SHOWN).map((machine) => (
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
      )}
      {(preview.isCut || machines.length > SHOWN) && (
        <Text size="xs" c="dimmed">
          {text('preview.cut', { shown: Math.min(SHOWN, machines.length), all: machines.length })}
        </Text>
      )}
    </Stack>
  );
}
