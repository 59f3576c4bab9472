import { Button, TextInput, Title } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { PlainSearch } from '../app/plain-search.ts';
import { useText } from '../i18n/text.tsx';

const isThere = (node: ReactNode): boolean => node !== undefined && node !== null && node !== false;

/** A page's heading with what can be done on it, its lead, and the rest. */
export function Page(props: {
  readonly title: string;
  readonly actions?: ReactNode;
  readonly lead?: ReactNode;
  /** Its list has what is left of the screen. */
  readonly fills?: true;
  readonly children: ReactNode;
}) {
  return (
    <div className={props.fills === true ? 'page fills' : 'page'}>
      <div className="page-head">
        <Title order={1}>{props.title}</Title>
        {isThere(props.actions) && <div className="page-actions">{props.actions}</div>}
      </div>
      {props.lead !== undefined && <p className="page-lead">{props.lead}</p>}
      {props.children}
    </div>
  );
}

export function AddButton(props: { readonly label: string; readonly onClick: () => void }) {
  return (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={props.onClick}>
      {props.label}
    </Button>
  );
}

/** A section of the account's page. */
export function Section(props: { readonly title: string; readonly lead: string; readonly children: ReactNode }) {
  return (
    <section className="panel section">
      <Title order={2}>{props.title}</Title>
      <p className="section-lead">{props.lead}</p>
      {props.children}
    </section>
  );
}

/** From one day to another; they stand in the address. */
export function DayFilter(props: {
  readonly search: PlainSearch;
  readonly onChange: (change: Readonly<Record<string, string>>) => void;
}) {
  const text = useText();
  return (['from', 'to'] as const).map((end) => (
    <TextInput
      key={end}
      type="date"
      label={text(`filter.${end}`)}
      value={props.search[end] ?? ''}
      onChange={(event) => props.onChange({ [end]: event.currentTarget.value })}
    />
  ));
}
