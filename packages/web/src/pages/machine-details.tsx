import { Button, Stack } from '@mantine/core';
import { IconExternalLink, IconHourglass } from '@tabler/icons-react';
import type { Machine } from '@enchilada/contract';
import { Drawer } from '../components/layer.tsx';
import { hostPort, openTab, sessionPath } from '../components/platform.ts';
import { useText } from '../i18n/text.tsx';
import { asksFirst } from './machine-rows.tsx';
import { MachineOrigin } from './machine-origin.tsx';

export function MachineDetails(props: {
  readonly machine: Machine | undefined;
  readonly path: readonly string[];
  readonly onClose: () => void;
  readonly onAsk: (machine: Machine) => void;
}) {
  const text = useText();
  const { machine } = props;
  return (
    <Drawer opened={machine !== undefined} onClose={props.onClose} title={machine?.name} size={420}>
      {machine !== undefined && (
        <Stack>
          <dl className="detail-list">
            <dt>{text('field.address')}</dt>
            <dd className="mono">{machine.builtIn ? text('machines.built-in') : hostPort(machine)}</dd>
            <dt>{text('field.protocol')}</dt>
            <dd>
              {text.of(machine.protocolLabel)}
              {machine.cleartext === true && <span className="chip">{text('session.cleartext')}</span>}
            </dd>
            <dt>{text('field.group')}</dt>
            <dd>{props.path.length === 0 ? '–' : props.path.join(' / ')}</dd>
            <dt>{text('field.labels')}</dt>
            <dd>
              {Object.entries(machine.labels).map(([key, value]) => (
                <span key={key} className="chip">
                  {key}:{value}
                </span>
              ))}
            </dd>
            <dt>{text('machines.allowed')}</dt>
            <dd>{machine.actions.map((action) => text(`grant-action.${action}`)).join(', ')}</dd>
            <dt>{text('machines.last-used')}</dt>
            <dd>{machine.lastUsedAt === undefined ? '–' : text.dateTime(machine.lastUsedAt)}</dd>
            {machine.description !== '' && (
              <>
                <dt>{text('field.description')}</dt>
                <dd>{machine.description}</dd>
              </>
            )}
          </dl>
          {!machine.builtIn && <MachineOrigin id={machine.id} />}
          {machine.approval !== undefined && (
            <Button
              variant={asksFirst(machine) ? 'filled' : 'default'}
              leftSection={<IconHourglass size={16} aria-hidden />}
              onClick={() => props.onAsk(machine)}
            >
              {text('requests.ask')}
            </Button>
          )}
          <Button
            disabled={asksFirst(machine)}
            leftSection={<IconExternalLink size={16} aria-hidden />}
            onClick={() => openTab(sessionPath(machine.id))}
          >
            {text('machines.open')}
          </Button>
        </Stack>
      )}
    </Drawer>
  );
}
