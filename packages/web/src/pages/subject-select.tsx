import { MultiSelect, Select, Stack, VisuallyHidden, type MultiSelectProps, type SelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import type { Subject } from '@enchilada/contract';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { useActiveOption } from '../components/use-active-option.ts';
import { useText } from '../i18n/text.tsx';

const MOST_OFFERED = 50;

type SubjectKind = 'user' | 'group';
type Asked = Pick<SelectProps, 'label' | 'aria-label' | 'description' | 'required' | 'placeholder'>;

interface Choice {
  readonly value: string;
  readonly label: string;
}

/** A person is shown by both names: two people may have one display name. */
function labelOf({ name, detail }: Subject, kind: SubjectKind): string {
  return kind === 'group' || detail === '' || detail === name ? name : `${detail} (${name})`;
}

/** People or groups, of whom there may be more than can be listed: the gateway is asked for what is typed, and for the names of what is chosen. */
function useSubjects(kind: SubjectKind, chosen: readonly string[], outside?: string) {
  const text = useText();
  const [typed, setTyped] = useState('');
  const ids = chosen.toSorted().join(',');
  const named = useQuery({
    queryKey: ['subjects', kind, 'chosen', ids],
    queryFn: ({ signal }) => api('findSubjects', { query: { kind, ids, limit: 500 } }, { signal }),
    enabled: ids !== '',
    placeholderData: keepPreviousData,
  });
  const known = (named.data?.items ?? []).filter(({ id }) => chosen.includes(id));
  // The field holds the name of what is chosen until somebody types: then others are offered, and not that one alone.
  const isUntouched = known.some((subject) => labelOf(subject, kind) === typed);
  const [asked] = useDebouncedValue(isUntouched ? '' : typed.trim(), 200);
  const found = useQuery({
    queryKey: ['subjects', kind, 'sought', asked, outside],
    queryFn: ({ signal }) => {
      const narrowed = { ...(asked === '' ? {} : { text: asked }), ...(outside === undefined ? {} : { outside }) };
      return api('findSubjects', { query: { kind, limit: MOST_OFFERED, ...narrowed } }, { signal });
    },
    placeholderData: keepPreviousData,
  });
  const offered = found.data?.items ?? [];
  const offeredIds = new Set(offered.map(({ id }) => id));
  const { total = 0 } = found.data ?? {};
  const asChoice = (subject: Subject): Choice => ({ value: subject.id, label: labelOf(subject, kind) });
  return {
    setTyped,
    offered: offered.map(asChoice),
    known: known.filter(({ id }) => !offeredIds.has(id)).map(asChoice),
    /** The gateway has looked already. */
    isOffered: (id: string): boolean => offeredIds.has(id),
    status:
      total > offered.length
        ? text('subjects.first-of', { shown: offered.length, total })
        : text.count('subjects.found', total),
  };
}

/** How many there are is said, and not only seen in the length of a list. */
function Found(props: { readonly words: string; readonly isOpen: boolean }) {
  return (
    <VisuallyHidden aria-live="polite" aria-atomic>
      {props.isOpen ? props.words : ''}
    </VisuallyHidden>
  );
}

export interface SubjectSelectProps extends Asked, Pick<SelectProps, 'clearable'> {
  readonly kind: SubjectKind;
  readonly value: string | null;
  readonly onChange: (id: string | null) => void;
  /** The group whose members are not offered. */
  readonly outside?: string;
}

export function SubjectSelect({ kind, value, outside, ...rest }: SubjectSelectProps) {
  const text = useText();
  const [isOpen, setIsOpen] = useState(false);
  const subjects = useSubjects(kind, value === null ? [] : [value], outside);
  const field = useActiveOption();
  return (
    <Stack gap={0}>
      <Select
        ref={field}
        placeholder={text(`subjects.type-${kind}`)}
        {...rest}
        searchable
        nothingFoundMessage={text('machines.none-here')}
        data={[...subjects.known, ...subjects.offered]}
        filter={({ options }) => options.filter((one) => 'value' in one && subjects.isOffered(one.value))}
        value={value}
        onSearchChange={subjects.setTyped}
        onDropdownOpen={() => setIsOpen(true)}
        onDropdownClose={() => setIsOpen(false)}
      />
      <Found words={subjects.status} isOpen={isOpen} />
    </Stack>
  );
}

export interface SubjectsSelectProps extends Asked, Pick<MultiSelectProps, 'disabled'> {
  readonly kind: SubjectKind;
  readonly value: readonly string[];
  readonly onChange: (ids: string[]) => void;
}

export function SubjectsSelect({ kind, value, ...rest }: SubjectsSelectProps) {
  const text = useText();
  const [isOpen, setIsOpen] = useState(false);
  const subjects = useSubjects(kind, value);
  const field = useActiveOption();
  return (
    <Stack gap={0}>
      <MultiSelect
        ref={field}
        placeholder={value.length === 0 ? text(`subjects.type-${kind}`) : ''}
        {...rest}
        searchable
        nothingFoundMessage={text('machines.none-here')}
        data={[...subjects.known, ...subjects.offered]}
        filter={({ options }) => options.filter((one) => 'value' in one && subjects.isOffered(one.value))}
        value={[...value]}
        onSearchChange={subjects.setTyped}
        onDropdownOpen={() => setIsOpen(true)}
        onDropdownClose={() => setIsOpen(false)}
      />
      <Found words={subjects.status} isOpen={isOpen} />
    </Stack>
  );
}
