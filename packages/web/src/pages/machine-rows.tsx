import { ActionIcon, Highlight, Menu, Skeleton } from '@mantine/core';
import {
  IconDots,
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
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useRef, useState } from 'react';
import { hostPort, openTab, sessionPath } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';

const ROW_HEIGHT = 48;
const CARD_HEIGHT = 96;

export interface MachineRowsProps {
  readonly machines: readonly Machine[];
  readonly small: boolean;
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

/** Rows that exist only while they are near the screen, so that 100,000 stay smooth; cards where there is little room. */
export function MachineRows(props: MachineRowsProps) {
  const text = useText();
  const scroller = useRef<HTMLDivElement>(null);
  const height = props.small ? CARD_HEIGHT : ROW_HEIGHT;
  const rows = useVirtualizer({
    count: props.machines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
  });
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { onNearEnd } = props;
  useEffect(() => {
    if (last >= props.machines.length - 30) onNearEnd();
  }, [last, props.machines.length, onNearEnd]);
  useEffect(() => rows.measure(), [height, rows]);
  return (
    <div ref={scroller} className="machine-scroller panel" tabIndex={-1}>
      <div
        role="table"
        aria-label={text('nav.machines')}
        aria-rowcount={props.machines.length + 1}
        style={{ height: rows.getTotalSize() + (props.small ? 0 : 33), position: 'relative' }}
      >
        <div role="row" aria-rowindex={1} className={props.small ? 'visually-hidden' : 'machine-head'}>
          <span role="columnheader">{text('field.name')}</span>
          <span role="columnheader">{text('field.address')}</span>
          <span role="columnheader">{text('field.group')}</span>
          <span role="columnheader">{text('field.labels')}</span>
          <span role="columnheader">{text('machines.last-used')}</span>
          <span role="columnheader">
            <span className="visually-hidden">{text('common.actions')}</span>
          </span>
        </div>
        {items.map((item) => {
          const machine = props.machines[item.index];
          if (machine === undefined) return null;
          return (
            <div
              key={machine.id}
              role="row"
              aria-rowindex={item.index + 2}
              className="machine-row"
              style={{ transform: `translateY(${item.start}px)`, height }}
              onDoubleClick={() => props.onOpen(machine)}
            >
              <MachineCells
                machine={machine}
                path={props.pathOf(machine).join(' / ')}
                isFavourite={props.favourites.includes(machine.id)}
                query={props.query}
                onFavourite={props.onFavourite}
                onDetails={props.onDetails}
                onAsk={props.onAsk}
              />
            </div>
          );
        })}
      </div>
    </div>
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
        <RowMenu {...props} />
      </span>
    </>
  );
});

/** Its button alone until it is pressed: menus are most of the work of drawing a row. */
function RowMenu(props: Pick<CellsProps, 'machine' | 'onAsk' | 'onDetails'>) {
  const text = useText();
  const { machine } = props;
  const [wasOpened, setOpened] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const target = (
    <ActionIcon
      ref={button}
      aria-label={text('machines.more', { name: machine.name })}
      {...(wasOpened ? {} : { 'aria-haspopup': 'menu', 'aria-expanded': false, onClick: () => setOpened(true) })}
    >
      <IconDots size={16} aria-hidden />
    </ActionIcon>
  );
  if (!wasOpened) return target;
  return (
    <Menu defaultOpened returnFocus={false} onClose={() => button.current?.focus()}>
      <Menu.Target>{target}</Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconExternalLink size={16} aria-hidden />}
          disabled={asksFirst(machine)}
          onClick={() => openTab(sessionPath(machine.id))}
        >
          {text('machines.open')}
        </Menu.Item>
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
      </Menu.Dropdown>
    </Menu>
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

export function RowSkeletons(props: { readonly small: boolean }) {
  const text = useText();
  return (
    <div className="panel" role="status" aria-label={text('common.loading')}>
      {Array.from({ length: 9 }, (_, index) => (
        <div key={index} className="machine-skeleton" style={{ height: props.small ? CARD_HEIGHT : ROW_HEIGHT }}>
          <Skeleton height={14} width={`${30 + ((index * 17) % 40)}%`} />
        </div>
      ))}
    </div>
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
