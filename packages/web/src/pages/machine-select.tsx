import { Select, type SelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import type { Target } from '@enchilada/contract';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { useActiveOption } from '../components/use-active-option.ts';
import { useText } from '../i18n/text.tsx';

const MOST_OFFERED = 100;

export interface MachineSelectProps extends Pick<
  SelectProps,
  'label' | 'aria-label' | 'description' | 'clearable' | 'required'
> {
  readonly 'data-autofocus'?: boolean;
  readonly value: string | null;
  readonly onChange: (targetId: string | null) => void;
  /** The gateway looks for these alone: among many of others, the first that are found might hold none of them. */
  readonly protocols?: ReadonlySet<string>;
  /** Which of those that were found may be chosen; few are left out. */
  readonly offers?: (target: Target) => boolean;
}

/** One of all machines, of which there may be more than can be listed: the gateway is asked for what is typed. */
export function MachineSelect({ value, protocols, offers = () => true, ...rest }: MachineSelectProps) {
  const text = useText();
  const field = useActiveOption();
  const [typed, setTyped] = useState('');
  const chosen = useQuery({
    queryKey: ['targets', 'one', value],
    queryFn: ({ signal }) => api('getTarget', { params: { id: value ?? '' } }, { signal }),
    enabled: value !== null,
  }).data;
  // The field holds the name of what is chosen until somebody types: then others are offered, and not that one alone.
  const [asked] = useDebouncedValue(typed === chosen?.name ? '' : typed.trim(), 200);
  const among = protocols && [...protocols].sort().join(',');
  const query = {
    limit: MOST_OFFERED,
    ...(asked === '' ? {} : { text: asked }),
    ...(among === undefined ? {} : { protocols: among }),
  };
  const found = useQuery({
    queryKey: ['targets', 'sought', query],
    queryFn: ({ signal }) => api('listTargets', { query }, { signal }),
    enabled: among !== '',
    placeholderData: keepPreviousData,
  });
  const offered = (found.data?.items ?? []).filter(offers);
  const ids = new Set(offered.map(({ id }) => id));
  const known = chosen === undefined || chosen.id !== value || ids.has(chosen.id) ? offered : [chosen, ...offered];
  return (
    <Select
      {...rest}
      ref={field}
      searchable
      placeholder={text('machines.choose')}
      nothingFoundMessage={text('machines.none-here')}
      data={known.map(({ id, name }) => ({ value: id, label: name }))}
      // The gateway has looked already, also among addresses and labels.
      filter={({ options }) => options.filter((option) => 'value' in option && ids.has(option.value))}
      value={value}
      onSearchChange={setTyped}
    />
  );
}
