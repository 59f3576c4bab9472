import { Highlight, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconDeviceDesktop, IconSearch, type Icon } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { Modal } from '../components/layer.tsx';
import { openTab, sessionPath } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';
import { OFFICE, open, PLACES } from './navigation.ts';

interface Command {
  readonly key: string;
  readonly icon: Icon;
  readonly label: string;
  readonly detail: string;
  readonly run: () => void;
}

const SHOWN_MACHINES = 8;

/** Machines first, then pages and actions. */
export function CommandPalette(props: { readonly opened: boolean; readonly onClose: () => void }) {
  const text = useText();
  const me = useMe();
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const [chosen, setChosen] = useState(0);
  const [asked] = useDebouncedValue(query.trim(), 120);
  const machines = useQuery({
    queryKey: ['palette', asked],
    queryFn: ({ signal }) =>
      api('listMachines', { query: { ...(asked === '' ? {} : { text: asked }), limit: SHOWN_MACHINES } }, { signal }),
    enabled: props.opened && can(me, 'machine.use'),
    placeholderData: keepPreviousData,
  });
  useEffect(() => setChosen(0), [query]);

  const wanted = query.trim().toLowerCase();
  const pages = [
    ...open(PLACES, me),
    ...open(OFFICE, me),
    { to: '/me', label: 'nav.me', icon: IconDeviceDesktop } as const,
  ].filter((place) => wanted === '' || text(place.label).toLowerCase().includes(wanted));
  const commands: readonly Command[] = [
    ...(machines.data?.items ?? []).map((machine) => ({
      key: machine.id,
      icon: IconDeviceDesktop,
      label: printable(machine.name),
      detail: `${machine.host} · ${text.of(machine.protocolLabel)}`,
      run: () => openTab(sessionPath(machine.id)),
    })),
    ...pages.map((place) => ({
      key: place.to,
      icon: place.icon,
      label: text(place.label),
      detail: text('palette.page'),
      run: () => void navigate({ to: place.to }),
    })),
  ];
  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    props.onClose();
    setQuery('');
    command.run();
  };

  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      withCloseButton={false}
      padding={0}
      size={600}
      yOffset="12vh"
      centered={false}
      attributes={{ content: { 'aria-label': text('palette.open') } }}
    >
      <TextInput
        data-autofocus
        size="md"
        variant="unstyled"
        className="palette-input"
        leftSection={<IconSearch size={18} aria-hidden />}
        placeholder={text('palette.placeholder')}
        aria-label={text('palette.placeholder')}
        role="combobox"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={commands.length > 0 ? `palette-${chosen}` : undefined}
        value={query}
        onChange={(event) => setQuery(event.currentTarget.value)}
        onKeyDown={(event) => {
          const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
          if (step !== 0) {
            event.preventDefault();
            setChosen((index) => (index + step + commands.length) % Math.max(1, commands.length));
          } else if (event.key === 'Enter') {
            event.preventDefault();
            run(commands[chosen]);
          }
        }}
      />
      <div id="palette-list" role="listbox" aria-label={text('palette.open')} className="palette-list">
        {commands.map((command, index) => (
          <div
            key={command.key}
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            className="palette-item"
            ref={(element) => {
              if (index === chosen) element?.scrollIntoView({ block: 'nearest' });
            }}
            onMouseMove={() => setChosen(index)}
            onClick={() => run(command)}
          >
            <command.icon size={16} aria-hidden />
            <Highlight highlight={query.trim()} component="span" size="sm" className="truncate">
              {command.label}
            </Highlight>
            <span className="palette-detail truncate">{command.detail}</span>
          </div>
        ))}
        {commands.length === 0 && <p className="palette-none">{text('palette.none')}</p>}
      </div>
    </Modal>
  );
}
