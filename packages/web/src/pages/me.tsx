import {
  Button,
  Group,
  PasswordInput,
  SegmentedControl,
  Select,
  Stack,
  Text,
  Title,
  useMantineColorScheme,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { meQuery, useMe, usePreferences } from '../api/me.ts';
import { useLanguageChange } from '../app/language.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { useAction } from '../components/use-action.ts';
import { isLanguage, LANGUAGES } from '../i18n/catalogue.ts';
import { Table } from '../components/table.tsx';
import { FormFault, useSave } from '../components/form.tsx';
import { Page, Section } from '../components/page.tsx';
import { useText } from '../i18n/text.tsx';
import { OwnKeys } from '../second-factor/own-keys.tsx';
import { OwnTokens } from '../second-factor/own-tokens.tsx';
import { OwnFactors } from '../second-factor/own-factors.tsx';

export function MePage() {
  const text = useText();
  const me = useMe();
  const changeLanguage = useLanguageChange();
  const [, setPreferences] = usePreferences();
  const groups = me.groups.map((group) => group.name).join(', ');
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Page
      title={me.user.displayName === '' ? me.user.username : me.user.displayName}
      lead={[me.user.username, text(`role.${me.user.role}`), groups].filter((part) => part !== '').join(' · ')}
    >
      <section className="panel section">
        <Title order={2} mb="sm">
          {text('me.look')}
        </Title>
        <Group align="flex-end">
          <Select
            label={text('me.language')}
            w={200}
            allowDeselect={false}
            value={text.language}
            data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
            onChange={(value) => {
              if (!isLanguage(value)) return;
              setPreferences({ language: value });
              void changeLanguage(value);
            }}
          />
          <div>
            <Text size="sm" fw={600} mb={4} id="theme-label">
              {text('theme.title')}
            </Text>
            <SegmentedControl
              aria-labelledby="theme-label"
              value={colorScheme}
              data={(['auto', 'light', 'dark'] as const).map((value) => ({ value, label: text(`theme.${value}`) }))}
              onChange={(value) => {
                setPreferences({ theme: value });
                setColorScheme(value);
              }}
            />
          </div>
        </Group>
      </section>
      <OwnFactors />
      <OwnKeys />
      <OwnTokens />
      <PasswordSection />
      <LoginsSection />
    </Page>
  );
}

function PasswordSection() {
  const text = useText();
  const client = useQueryClient();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [repeated, setRepeated] = useState('');
  const change = useSave(async () => {
    client.setQueryData(meQuery.queryKey, await api('changePassword', { body: { current, next } }));
    setCurrent('');
    setNext('');
    setRepeated('');
    notifications.show({ message: text('me.password-changed'), color: 'green' });
  });
  return (
    <Section title={text('field.password')} lead={text('me.password-lead')}>
      <form onSubmit={change.onSubmit}>
        <Stack maw={360}>
          <FormFault save={change} />
          <PasswordInput
            label={text('me.current-password')}
            required
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
          <PasswordInput
            label={text('people.new-password')}
            description={text('field.password-help')}
            required
            autoComplete="new-password"
            value={next}
            onChange={(event) => setNext(event.currentTarget.value)}
          />
          <PasswordInput
            label={text('field.password-again')}
            error={repeated !== '' && repeated !== next ? text('field.password-differs') : undefined}
            required
            autoComplete="new-password"
            value={repeated}
            onChange={(event) => setRepeated(event.currentTarget.value)}
          />
          <Button type="submit" loading={change.busy} disabled={current === '' || next === '' || next !== repeated}>
            {text('me.change-password')}
          </Button>
        </Stack>
      </form>
    </Section>
  );
}

function LoginsSection() {
  const text = useText();
  const [busy, run] = useAction();
  const logins = useQuery({ queryKey: ['logins'], queryFn: ({ signal }) => api('listLogins', {}, { signal }) });
  return (
    <section>
      <Title order={2} mb="xs" mt="lg">
        {text('me.logins')}
      </Title>
      <Listing query={logins} items={logins.data?.items ?? []} empty={null}>
        {(items) => (
          <Table columns={[text('me.browser'), text('field.address'), text('me.last-seen')]} actions>
            {items.map((login) => (
              <tr key={login.id}>
                <td>
                  {browserName(login.userAgent)}{' '}
                  {login.factor !== undefined && <span className="sub">{text(`factor-proof.${login.factor}`)}</span>}
                </td>
                <td className="mono">{login.address}</td>
                <td className="sub">
                  <Moment at={login.lastSeenAt} />
                </td>
                <td className="actions">
                  {login.current ? (
                    <span className="sub">{text('me.this-login')}</span>
                  ) : (
                    <Button
                      size="xs"
                      variant="default"
                      loading={busy}
                      onClick={() =>
                        void run(async () => {
                          await api('endLogin', { params: { id: login.id } });
                          await logins.refetch();
                        })
                      }
                    >
                      {text('nav.sign-out')}
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
    </section>
  );
}

/** The browser and system of a User-Agent as far as its usual forms tell. */
function browserName(agent: string): string {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)[a-z]*\/(\d+)/u.exec(agent);
  const system = /Windows|Android|iPhone|iPad|Mac OS X|Linux/u.exec(agent)?.[0];
  const name =
    browser === null
      ? agent.slice(0, 40)
      : `${{ Edg: 'Edge', OPR: 'Opera' }[browser[1] ?? ''] ?? browser[1] ?? ''} ${browser[2] ?? ''}`;
  return system === undefined ? name : `${name} · ${system}`;
}
