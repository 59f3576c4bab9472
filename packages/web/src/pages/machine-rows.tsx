import { ActionIcon, Highlight, Menu } from '@mantine/core';
import {
  IconExternalLink,
  IconHourglass,
  IconEye,
  IconInfoCircle,
  IconStar,
  IconStarFilled,
  IconDeviceDesktop,
  IconTerminal2,
} from '@tabler/icons-react';
import { TAG_PREFIX, TRUSTED_PREFIX } from '@enchilada/core/discovery';
import type { Machine } from '@enchilada/contract';
import { memo } from 'react';
import { hostPort, openTab, sessionPath } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { RowMenu } from '../components/row-menu.tsx';
import { useText } from '../i18n/text.tsx';
import { MachineTable } from './machine-table.tsx';

export interface MachineRowsProps {
  readonly machines: readonly Machine[];
  readonly query: readonly string[];
  readonly favourites: readonly string[];
  readonly pathOf: (machine: Machine) => readonly string[];
  readonly onFavourite: (id: string) => void;
  readonly onDetails: (machine: Machine) => void;
  /** Opens it, or asks for it where that is needed first. */
  readonly onOpen: (machine: Machine) => void;
  readonly onAsk: (machine: Machine) => void;
  readonly onNearEnd: () => void;
}

/** The machines that somebody may use. */
export function MachineRows(props: MachineRowsProps) {
  const text = useText();
  return (
    <MachineTable
      kind="home"
      columns={[
        text('field.name'),
        text('field.address'),
        text('field.group'),
        text('field.labels'),
        text('machines.last-used'),
      ]}
      machines={props.machines}
      onNearEnd={props.onNearEnd}
      onDoubleClick={props.onOpen}
    >
      {(machine) => (
        <MachineCells
          machine={machine}
          path={props.pathOf(machine).join(' / ')}
          isFavourite={props.favourites.includes(machine.id)}
          query={props.query}
          onFavourite={props.onFavourite}
          onDetails={props.onDetails}
          onAsk={props.onAsk}
        />
      )}
    </MachineTable>
  );
}

interface CellsProps extends Pick<MachineRowsProps, 'query' | 'onFavourite' | 'onDetails' | 'onAsk'> {
  readonly machine: Machine;
  readonly path: string;
  readonly isFavourite: boolean;
}

/** INVARIANT: drawn again only where something of the machine changes; scrolling draws the rows that come into sight and no others. */
const MachineCells = memo(function MachineCells(props: CellsProps) {
  const text = useText();
  const { machine, path, isFavourite } = props;
  const SurfaceIcon = machine.surface === 'terminal' ? IconTerminal2 : IconDeviceDesktop;
  const words = props.query;
  return (
    <>
      <span role="cell" className="machine-name">
        <span className="machine-icon" title={text.of(machine.protocolLabel)}>
          <SurfaceIcon size={18} aria-hidden />
        </span>
        <span className="machine-title">
          <a
            className="truncate"
            href={sessionPath(machine.id)}
            target="_blank"
            rel="noopener"
            aria-label={text('machines.open-name', { name: printable(machine.name) })}
            onClick={(event) => {
              if (!asksFirst(machine)) return;
              event.preventDefault();
              props.onAsk(machine);
            }}
          >
            <Marked words={words}>{printable(machine.name)}</Marked>
          </a>
          <span className="sub truncate">
            <PowerState state={machine.labels['cloud:state']} />
            <ApprovalState approval={machine.approval} />
            {machine.cleartext === true && (
              <strong className="machine-cleartext">{text('session.cleartext')} · </strong>
            )}
            {machine.description === '' ? text.of(machine.protocolLabel) : printable(machine.description)}
          </span>
        </span>
      </span>
      <span role="cell" className="machine-address mono truncate">
        {machine.builtIn ? (
          <span className="chip">{text('machines.built-in')}</span>
        ) : (
          <Marked words={words}>{hostPort(machine)}</Marked>
        )}
      </span>
      <span role="cell" className="machine-group truncate" title={path}>
        {path}
      </span>
      <span role="cell" className="machine-labels">
        {shownLabels(machine.labels).map(([key, label]) => (
          <span key={key} className="chip" title={`${key}:${machine.labels[key] ?? ''}`}>
            <Marked words={words}>{label}</Marked>
          </span>
        ))}
      </span>
      <span role="cell" className="machine-used sub">
        {machine.lastUsedAt !== undefined && (
          <time dateTime={new Date(machine.lastUsedAt).toISOString()} title={text.dateTime(machine.lastUsedAt)}>
            {text.relative(machine.lastUsedAt)}
          </time>
        )}
      </span>
      <span role="cell" className="machine-actions">
        <ActionIcon
          aria-pressed={isFavourite}
          aria-label={text(isFavourite ? 'machines.unfavourite' : 'machines.favourite', { name: machine.name })}
          onClick={() => props.onFavourite(machine.id)}
        >
          {isFavourite ? <IconStarFilled size={16} aria-hidden /> : <IconStar size={16} aria-hidden />}
        </ActionIcon>
        <MachineMenu {...props} />
      </span>
    </>
  );
});

function MachineMenu(props: Pick<CellsProps, 'machine' | 'onAsk' | 'onDetails'>) {
  const text = useText();
  const { machine } = props;
  return (
    <RowMenu label={text('machines.more', { name: machine.name })}>
      <Menu.Item
        leftSection={<IconExternalLink size={16} aria-hidden />}
        disabled={asksFirst(machine)}
        onClick={() => openTab(sessionPath(machine.id))}
      >
        {text('machines.open')}
      </Menu.Item>
      {(machine.actions.includes('connect') || machine.actions.includes('view-only')) && (
        <Menu.Item
          leftSection={<IconEye size={16} aria-hidden />}
          disabled={asksFirst(machine) && !machine.actions.includes('view-only')}
          onClick={() => openTab(sessionPath(machine.id, true))}
        >
          {text('machines.open-view-only')}
        </Menu.Item>
      )}
      {machine.approval !== undefined && (
        <Menu.Item leftSection={<IconHourglass size={16} aria-hidden />} onClick={() => props.onAsk(machine)}>
          {text('requests.ask')}
        </Menu.Item>
      )}
      <Menu.Item leftSection={<IconInfoCircle size={16} aria-hidden />} onClick={() => props.onDetails(machine)}>
        {text('machines.details')}
      </Menu.Item>
      {machine.actions.includes('watch') && (
        <Menu.Item leftSection={<IconEye size={16} aria-hidden />} component="a" href={`/live?target=${machine.id}`}>
          {text('machines.watch')}
        </Menu.Item>
      )}
    </RowMenu>
  );
}

function Marked(props: { readonly words: readonly string[]; readonly children: string }) {
  if (props.words.length === 0) return props.children;
  return (
    <Highlight component="span" inherit highlight={[...props.words]}>
      {props.children}
    </Highlight>
  );
}

/** It opens with an approval, and there is none yet, or not yet. */
export function asksFirst({ approval }: Machine): boolean {
  return approval !== undefined && (approval.state !== 'approved' || (approval.from ?? 0) > Date.now());
}

/** In the line below the name, which is there for every machine: nothing moves when an answer comes. */
export function ApprovalState({ approval }: { readonly approval: Machine['approval'] }) {
  const text = useText();
  if (approval === undefined) return undefined;
  const { state, from = 0, until = 0 } = approval;
  const label =
    state === 'approved' && from > Date.now()
      ? text('machines.approval-ahead', { time: text.clock(from) })
      : text(`machines.approval-${state}`, { time: text.clock(until) });
  return <strong data-approval={state}>{label} · </strong>;
}

const LABELS_SHOWN = 3;

/** What people and their tags say of a machine; the facts that discovery adds stand in its details. */
function shownLabels(labels: Readonly<Record<string, string>>): readonly (readonly [key: string, label: string])[] {
  return Object.entries(labels)
    .filter(([key]) => !key.startsWith(TRUSTED_PREFIX) && key !== `${TAG_PREFIX}Name`)
    .slice(0, LABELS_SHOWN)
    .map(([key, value]) => [key, `${key.startsWith(TAG_PREFIX) ? key.slice(TAG_PREFIX.length) : key}:${value}`]);
}

/** Said only where it matters: a machine that does not run cannot be opened. */
function PowerState({ state }: { readonly state: string | undefined }) {
  const text = useText();
  if (state !== 'stopped' && state !== 'stopping' && state !== 'pending') return undefined;
  return <strong>{text(`power.${state}`)} · </strong>;
}
