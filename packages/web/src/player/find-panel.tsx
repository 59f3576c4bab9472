import { ActionIcon, TextInput } from '@mantine/core';
import { IconSearch, IconX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useText } from '../i18n/text.tsx';
import { clockText } from './playback-clock.ts';
import type { PlaybackState } from './playback.ts';

/** Words looked for in all that a terminal showed, each hit with its moment. */
export function FindPanel(props: {
  readonly found: PlaybackState['found'];
  readonly onFind: (words: string) => void;
  readonly onJump: (atMs: number) => void;
  readonly onClose: () => void;
}) {
  const text = useText();
  const [words, setWords] = useState('');
  const { onFind } = props;
  useEffect(() => {
    const timer = setTimeout(() => onFind(words), 120);
    return () => clearTimeout(timer);
  }, [words, onFind]);
  return (
    <aside className="player-find" aria-label={text('player.find')}>
      <div className="player-find-field">
        <TextInput
          size="sm"
          autoFocus
          leftSection={<IconSearch size={16} aria-hidden />}
          placeholder={text('player.find')}
          aria-label={text('player.find')}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') props.onClose();
            if (event.key === 'Enter' && props.found[0] !== undefined) props.onJump(props.found[0].atMs);
          }}
        />
        <ActionIcon onClick={props.onClose} aria-label={text('common.close')}>
          <IconX size={16} aria-hidden />
        </ActionIcon>
      </div>
      <p className="sub player-found" role="status">
        {words === '' ? text('player.find-help') : text.count('player.found', props.found.length)}
      </p>
      <ol className="player-hits">
        {words !== '' &&
          props.found.map((line, index) => (
            <li key={index}>
              <button type="button" onClick={() => props.onJump(line.atMs)}>
                <span className="sub">{clockText(line.atMs)}</span>
                <span className="mono truncate">{excerpt(line.text, words)}</span>
              </button>
            </li>
          ))}
      </ol>
    </aside>
  );
}

const BEFORE_MATCH = 12;

function excerpt(line: string, words: string): string {
  const at = line.toLowerCase().indexOf(words.toLowerCase());
  return at <= BEFORE_MATCH ? line : `…${line.slice(at - BEFORE_MATCH)}`;
}
