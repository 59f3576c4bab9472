import { ActionIcon } from '@mantine/core';
import { IconPencil, IconTrash, type Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text.tsx';

/** What stands over a column; a number's heading stands at its end. */
export type Column = string | { readonly number: string };

/** The rows are cards on a phone, unless they are short. With `actions`, the last column is for what one may do with a row. */
export function Table(props: {
  readonly columns: readonly Column[];
  readonly actions?: true;
  readonly short?: true;
  readonly children: ReactNode;
}) {
  const text = useText();
  return (
    <table className={props.short === true ? 'table' : 'table cards'}>
      <thead>
        <tr>
          {props.columns.map((column) =>
            typeof column === 'string' ? (
              <th key={column}>{column}</th>
            ) : (
              <th key={column.number} className="number">
                {column.number}
              </th>
            ),
          )}
          {props.actions === true && (
            <th>
              <span className="visually-hidden">{text('common.actions')}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>{props.children}</tbody>
    </table>
  );
}

interface RowActionProps {
  readonly label: string;
  readonly onClick: () => void;
  readonly loading?: boolean;
  readonly disabled?: boolean;
  readonly title?: string | undefined;
}

/** One act with a row, as a picture with a name. */
export function RowAction({ icon: ActionPicture, label, ...rest }: RowActionProps & { readonly icon: Icon }) {
  return (
    <ActionIcon aria-label={label} {...rest}>
      <ActionPicture size={16} aria-hidden />
    </ActionIcon>
  );
}

type NamedActionProps = Omit<RowActionProps, 'label'> & { readonly name: string };

export function EditAction({ name, ...rest }: NamedActionProps) {
  const text = useText();
  return <RowAction icon={IconPencil} label={`${text('common.edit')} ${name}`} {...rest} />;
}

export function RemoveAction({ name, ...rest }: NamedActionProps) {
  const text = useText();
  return <RowAction icon={IconTrash} label={`${text('common.remove')} ${name}`} {...rest} />;
}
