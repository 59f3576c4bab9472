import { Menu } from '@mantine/core';
import { IconFingerprint, IconPencil, IconTrash } from '@tabler/icons-react';
import type { Engine, Target } from '@enchilada/contract';
import { memo } from 'react';
import { Moment } from '../components/listing.tsx';
import { hostPort } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { RowMenu } from '../components/row-menu.tsx';
import { useText } from '../i18n/text.tsx';
import { MachineTable } from './machine-table.tsx';

interface Acts {
  readonly mayWrite: boolean;
  readonly onEdit: (target: Target) => void;
  readonly onKeys: (target: Target) => void;
  readonly onRemove: (target: Target) => void;
}

export interface CatalogRowsProps extends Acts {
  readonly machines: readonly Target[];
  readonly engines: ReadonlyMap<string, Engine>;
  readonly pathOf: (target: Target) => string;
  readonly onNearEnd: () => void;
}

/** The machines that an administrator looks after. */
export function CatalogRows({ machines, engines, pathOf, onNearEnd, ...acts }: CatalogRowsProps) {
  const text = useText();
  return (
    <MachineTable
      kind="catalog"
      columns={[
        text('field.name'),
        text('field.address'),
        text('field.protocol'),
        text('field.group'),
        text('catalog.changed'),
      ]}
      machines={machines}
      onNearEnd={onNearEnd}
    >
      {(target) => (
        <CatalogCells target={target} engine={engines.get(target.protocol)} path={pathOf(target)} {...acts} />
      )}
    </MachineTable>
  );
}

interface CellsProps extends Acts {
  readonly target: Target;
  readonly engine: Engine | undefined;
  readonly path: string;
}

/** INVARIANT: drawn again only where something of the machine changes; neither typing nor scrolling draws it again. */
const CatalogCells = memo(function CatalogCells(props: CellsProps) {
  const text = useText();
  const { target, engine, path } = props;
  const name = printable(target.name);
  const address = hostPort(target);
  return (
    <>
      <span role="cell" className="machine-title">
        <button type="button" className="row-title truncate" title={name} onClick={() => props.onEdit(target)}>
          {name}
        </button>
      </span>
      <span role="cell" className="machine-address mono truncate" title={target.builtIn ? undefined : address}>
        {target.builtIn ? text('machines.built-in') : address}
      </span>
      <span role="cell" className="machine-protocol">
        {engine === undefined ? target.protocol : text.of(engine.label)}
        {engine?.cleartext === true && <span className="sub machine-cleartext"> {text('session.cleartext')}</span>}
      </span>
      <span role="cell" className="machine-group truncate" title={path}>
        {path}
      </span>
      <span role="cell" className="machine-used sub">
        <Moment at={target.updatedAt} />
      </span>
      <span role="cell" className="machine-actions">
        <RowMenu label={text('machines.more', { name })}>
          <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={() => props.onEdit(target)}>
            {text('common.edit')}
          </Menu.Item>
          {engine?.hostKeys === true && (
            <Menu.Item leftSection={<IconFingerprint size={16} aria-hidden />} onClick={() => props.onKeys(target)}>
              {text('host-keys.title')}
            </Menu.Item>
          )}
          {props.mayWrite && (
            <Menu.Item leftSection={<IconTrash size={16} aria-hidden />} onClick={() => props.onRemove(target)}>
              {text('common.remove')}
            </Menu.Item>
          )}
        </RowMenu>
      </span>
    </>
  );
});
