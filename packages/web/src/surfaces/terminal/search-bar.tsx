import { ActionIcon, TextInput } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { useText } from '../../i18n/text.tsx';

export interface MatchCount {
  readonly index: number;
  readonly count: number;
}

export function SearchBar(props: {
  readonly matches: MatchCount;
  readonly onFind: (words: string, direction: 'next' | 'previous') => void;
  readonly onClose: () => void;
}) {
  const text = useText();
  const [words, setWords] = useState('');
  const { index, count } = props.matches;
  return (
    <div className="terminal-search panel" role="search">
      <TextInput
        size="xs"
        autoFocus
        placeholder={text('terminal.find')}
        aria-label={text('terminal.find')}
        value={words}
        onChange={(event) => {
          setWords(event.currentTarget.value);
          props.onFind(event.currentTarget.value, 'previous');
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') props.onClose();
          if (event.key === 'Enter') props.onFind(words, event.shiftKey ? 'next' : 'previous');
        }}
      />
      <span className="terminal-matches" role="status">
        {words === ''
          ? ''
          : count === 0
            ? text('terminal.no-match')
            : text('terminal.match', { index: index + 1, count })}
      </span>
      <ActionIcon size="md" onClick={() => props.onFind(words, 'previous')} aria-label={text('terminal.previous')}>
        <IconChevronUp size={16} aria-hidden />
      </ActionIcon>
      <ActionIcon size="md" onClick={() => props.onFind(words, 'next')} aria-label={text('terminal.next')}>
        <IconChevronDown size={16} aria-hidden />
      </ActionIcon>
      <ActionIcon size="md" onClick={props.onClose} aria-label={text('common.close')}>
        <IconX size={16} aria-hidden />
      </ActionIcon>
    </div>
  );
}
