import { Button, Group, Text } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import { useText } from '../i18n/text.tsx';
import { FileTransferRow, FolderRow, LeftOutRow } from './transfer-rows.tsx';
import type { Transfers } from './transfers.ts';
import { rowsOf, type ItemView, type TransferRow } from './transfer-views.ts';

const ROW_HEIGHT = 52;

/** What is on its way, and what became of it. */
export function TransferList(props: {
  readonly transfers: Transfers;
  readonly views: readonly ItemView[];
  readonly onCancelAll: () => void;
}) {
  const text = useText();
  const { transfers, views } = props;
  if (views.length === 0) return null;
  return (
    <section className="files-transfers" aria-label={text('files.transfers')}>
      <Group justify="space-between" gap={4}>
        <Text size="xs" fw={600}>
          {text('files.transfers')}
        </Text>
        <Group gap={4}>
          <Button
            size="compact-xs"
            variant="subtle"
            disabled={views.every(({ state }) => state === 'done')}
            aria-label={text('files.cancel-all-transfers')}
            onClick={props.onCancelAll}
          >
            {text('files.cancel-all')}
          </Button>
          <Button
            size="compact-xs"
            variant="subtle"
            disabled={!views.some(({ state }) => state === 'done')}
            onClick={() => transfers.clearDone()}
          >
            {text('files.clear')}
          </Button>
        </Group>
      </Group>
      <Rows transfers={transfers} views={views} />
    </section>
  );
}

/** Rows that exist only while they are near those that are seen. */
function Rows({ transfers, views }: { readonly transfers: Transfers; readonly views: readonly ItemView[] }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => rowsOf(views, open), [views, open]);
  const near = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => rows[index]?.view.id ?? index,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
  });
  const toggle = (id: string): void => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  return (
    <div ref={scroller} className="files-transfer-rows" tabIndex={-1}>
      <ul style={{ height: near.getTotalSize() }}>
        {near.getVirtualItems().map(({ index, key, start }) => {
          const row = rows[index];
          return (
            row !== undefined && (
              <li
                key={key}
                ref={near.measureElement}
                data-index={index}
                data-state={row.kind === 'left-out' ? 'failed' : row.view.state}
                data-inner={row.kind !== 'folder' && row.folder !== undefined}
                aria-setsize={rows.length}
                aria-posinset={index + 1}
                style={{ transform: `translateY(${start}px)` }}
              >
                <Row row={row} transfers={transfers} onToggle={toggle} />
              </li>
            )
          );
        })}
      </ul>
    </div>
  );
}

function Row(props: {
  readonly row: TransferRow;
  readonly transfers: Transfers;
  readonly onToggle: (id: string) => void;
}) {
  const { row, transfers, onToggle } = props;
  switch (row.kind) {
    case 'folder':
      return <FolderRow {...row} transfers={transfers} onToggle={() => onToggle(row.view.id)} />;
    case 'left-out':
      return <LeftOutRow view={row.view} transfers={transfers} />;
    case 'file':
      return <FileTransferRow view={row.view} isInner={row.folder !== undefined} transfers={transfers} />;
  }
}
