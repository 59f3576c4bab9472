import { Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState, type ReactNode } from 'react';
import { Mark } from '../app/mark.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { LanguageChoice } from './language-choice.tsx';

interface DoorProps {
  readonly title: string;
  readonly lead: string;
  readonly children: ReactNode;
}

/** The frame of the pages before somebody is signed in. */
export function Door(props: DoorProps) {
  return (
    <div className="door">
      <main className="door-card">
        <Group gap="sm" mb="lg" wrap="nowrap">
          <Mark size={36} />
          <div>
            <Title order={1}>{props.title}</Title>
            <Text size="sm" c="dimmed">
              {props.lead}
            </Text>
          </div>
        </Group>
        {props.children}
      </main>
      <LanguageChoice />
    </div>
  );
}

export interface LinkToken {
  /** Empty until there is one. */
  readonly value: string;
  /** Takes a whole link, or what stands behind its `#`. */
  readonly enter: (link: string) => void;
}

/** The token of a one-time link. It stands in the fragment, which no log and no proxy sees, and leaves the address at once. */
export function useLinkToken(): LinkToken {
  const [value, setValue] = useState(() => location.hash.slice(1));
  useEffect(() => {
    if (location.hash !== '') history.replaceState(history.state, '', location.pathname);
  }, []);
  return { value, enter: (link) => setValue(link.trim().replace(/^.*#/u, '')) };
}

/** Where a one-time link leads: asks for it where it is missing, and says what is wrong with it. */
export function LinkDoor(
  props: DoorProps & { readonly token: LinkToken; readonly help: string; readonly problem: unknown },
) {
  const text = useText();
  const [entered, setEntered] = useState('');
  const { token, problem } = props;
  return (
    <Door title={props.title} lead={props.lead}>
      {token.value === '' && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            token.enter(entered);
          }}
        >
          <Stack>
            <TextInput
              label={text('welcome.link')}
              description={props.help}
              value={entered}
              onChange={(event) => setEntered(event.currentTarget.value)}
              required
              autoFocus
              autoComplete="off"
            />
            <Button type="submit">{text('welcome.use-link')}</Button>
          </Stack>
        </form>
      )}
      {problem !== null && (
        <Stack>
          <FaultNotice error={problem} />
          <ToSignIn variant="default" />
        </Stack>
      )}
      {props.children}
    </Door>
  );
}

export function ToSignIn(props: { readonly variant: 'default' | 'filled' }) {
  const text = useText();
  const navigate = useNavigate();
  return (
    <Button variant={props.variant} data-autofocus onClick={() => void navigate({ to: '/sign-in', search: {} })}>
      {text('welcome.to-sign-in')}
    </Button>
  );
}
