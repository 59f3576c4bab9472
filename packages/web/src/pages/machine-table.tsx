import './machine-table.css';
import { Skeleton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type ReactNode } from 'react';
import { useText } from '../i18n/text.tsx';

const ROW_HEIGHT = 48;
const CARD_HEIGHT = 96;
/** So many rows before the end, the next are asked for. */
const NEAR_END_ROWS = 30;

/** There is no room for columns; `machine-table.css` has the same width. */
function useCards(): boolean {
  return useMediaQuery('(max-width: 639px)') ?? false;
}

export interface MachineTableProps<T> {
  /** Which columns there are: the style has their widths. */
  readonly kind: 'home' | 'catalog';
  readonly columns: readonly string[];
  readonly machines: readonly T[];
  readonly onNearEnd: () => void;
  readonly onDoubleClick?: (machine: T) => void;
  /** The cells; drawn with every turn of the wheel, and so to be kept by `memo`. */
  readonly children: (machine: T) => ReactNode;
}

/** Rows that exist only while they are near the screen, so that 100,000 stay smooth; cards where there is little room. */
export function MachineTable<T extends { readonly id: string }>(props: MachineTableProps<T>) {
  const text = useText();
  const scroller = useRef<HTMLDivElement>(null);
  const cards = useCards();
  const height = cards ? CARD_HEIGHT : ROW_HEIGHT;
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
    if (last >= props.machines.length - NEAR_END_ROWS) onNearEnd();
  }, [last, props.machines.length, onNearEnd]);
  useEffect(() => rows.measure(), [height, rows]);
  return (
    <div ref={scroller} className="machine-scroller panel" data-kind={props.kind} tabIndex={-1}>
      <div
        role="table"
        aria-label={text('nav.machines')}
        aria-rowcount={props.machines.length + 1}
        style={{ height: rows.getTotalSize() + (cards ? 0 : 33), position: 'relative' }}
      >
        <div role="row" aria-rowindex={1} className={cards ? 'visually-hidden' : 'machine-head'}>
          {props.columns.map((column) => (
            <span key={column} role="columnheader">
              {column}
            </span>
          ))}
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
              onDoubleClick={() => props.onDoubleClick?.(machine)}
            >
              {props.children(machine)}
            </div>
          );
        })}
      </div>
    </div>
  );
}

export function RowSkeletons() {
  const text = useText();
  const height = useCards() ? CARD_HEIGHT : ROW_HEIGHT;
  return (
    <div className="panel" role="status" aria-label={text('common.loading')}>
      {Array.from({ length: 9 }, (_, index) => (
        <div key={index} className="machine-skeleton" style={{ height }}>
          <Skeleton height={14} width={`${30 + ((index * 17) % 40)}%`} />
        </div>
      ))}
    </div>
  );
}
