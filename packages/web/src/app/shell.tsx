import { ActionIcon, Burger, Menu, NavLink, Stack, Text, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChevronDown, IconLogout, IconSearch, IconSettings2, IconUserCircle } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { api } from '../api/client.ts';
import { useMe, usePreferenceChange } from '../api/me.ts';
import { Drawer } from '../components/layer.tsx';
import { isApple } from '../components/platform.ts';
import { notifyFault } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { COLOR_SCHEMES, useFollowPreferences } from './follow-preferences.ts';
import { Mark } from './mark.tsx';
import { ADMINISTRATION_ICON, OFFICE, open, PLACES } from './navigation.ts';

const CommandPalette = lazy(async () => ({ default: (await import('./command-palette.tsx')).CommandPalette }));

export function Shell() {
  useFollowPreferences();
  const text = useText();
  const me = useMe();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [drawerOpen, drawer] = useDisclosure(false);
  const [paletteOpen, palette] = useDisclosure(false);
  const [paletteWanted, setPaletteWanted] = useState(false);
  const office = open(OFFICE, me);
  const inOffice = office.some((place) => path.startsWith(place.to));

  useEffect(() => drawer.close(), [path, drawer.close]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey)
        return;
      event.preventDefault();
      setPaletteWanted(true);
      palette.toggle();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [palette.toggle]);

  const openPalette = (): void => {
    setPaletteWanted(true);
    palette.open();
  };

  return (
    <div className="shell">
      <a className="skip-link" href="#content">
        {text('nav.skip')}
      </a>
      <header className="topbar">
        <Burger
          className="topbar-burger"
          size="sm"
          opened={drawerOpen}
          onClick={drawer.toggle}
          aria-label={text('nav.menu')}
        />
        <Link to="/" className="brand" aria-label="Enchilada">
          <Mark size={24} />
          <span>Enchilada</span>
        </Link>
        <nav className="topnav" aria-label={text('nav.main')}>
          {open(PLACES, me).map((place) => (
            <Link key={place.to} to={place.to} className="topnav-link" activeOptions={{ exact: place.to === '/' }}>
              {text(place.label)}
              {place.to === '/requests' && <WaitingBadge />}
            </Link>
          ))}
          {office[0] !== undefined && (
            <Link to={office[0].to} className="topnav-link" data-status={inOffice ? 'active' : undefined}>
              {text('nav.administration')}
            </Link>
          )}
        </nav>
        <UnstyledButton className="find" onClick={openPalette}>
          <IconSearch size={15} aria-hidden />
          <span>{text('palette.open')}</span>
          <kbd>{isApple() ? '⌘' : 'Ctrl'} K</kbd>
        </UnstyledButton>
        <ActionIcon className="find-icon" onClick={openPalette} aria-label={text('palette.open')}>
          <IconSearch size={18} aria-hidden />
        </ActionIcon>
        <PersonMenu />
      </header>
      <Drawer opened={drawerOpen} onClose={drawer.close} position="left" size={280} title={<Brand />}>
        <Stack gap={2} component="nav" aria-label={text('nav.main')}>
          {open(PLACES, me).map((place) => (
            <NavLink
              key={place.to}
              component={Link}
              to={place.to}
              label={text(place.label)}
              leftSection={<place.icon size={18} aria-hidden />}
              rightSection={place.to === '/requests' ? <WaitingBadge /> : undefined}
              active={path === place.to}
              color="gray"
            />
          ))}
          {office.length > 0 && (
            <Text size="xs" c="dimmed" mt="md" mb={4} px="sm">
              <ADMINISTRATION_ICON size={12} aria-hidden /> {text('nav.administration')}
            </Text>
          )}
          {office.map((place) => (
            <NavLink
              key={place.to}
              component={Link}
              to={place.to}
              label={text(place.label)}
              leftSection={<place.icon size={18} aria-hidden />}
              active={path === place.to}
              color="gray"
            />
          ))}
        </Stack>
      </Drawer>
      <main id="content" className="content" tabIndex={-1}>
        <Outlet />
      </main>
      {paletteWanted && (
        <Suspense>
          <CommandPalette opened={paletteOpen} onClose={palette.close} />
        </Suspense>
      )}
    </div>
  );
}

/** How many requests wait for the person. */
function WaitingBadge() {
  const text = useText();
  const counts = useQuery({
    queryKey: ['requests', 'counts'],
    queryFn: ({ signal }) => api('countRequests', {}, { signal, background: true }),
    refetchInterval: 15_000,
  });
  const waiting = counts.data?.decide ?? 0;
  return (
    <span className="nav-badge" data-count={waiting} title={text.count('requests.waiting', waiting)}>
      {waiting > 99 ? '99+' : waiting}
    </span>
  );
}

function Brand() {
  return (
    <span className="brand">
      <Mark size={22} />
      <span>Enchilada</span>
    </span>
  );
}

function PersonMenu() {
  const text = useText();
  const me = useMe();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const setPreferences = usePreferenceChange();
  const name = me.user.displayName === '' ? me.user.username : me.user.displayName;

  const signOut = async (): Promise<void> => {
    try {
      const { next } = await api('logout');
      client.clear();
      if (next !== undefined) {
        location.assign(next);
        return;
      }
      await navigate({ to: '/sign-in', search: {} });
    } catch (error) {
      notifyFault(error, text);
    }
  };

  return (
    <Menu width={230}>
      <Menu.Target>
        <UnstyledButton className="person" title={text('nav.person', { name })}>
          <span className="person-initial" aria-hidden>
            {name.slice(0, 1).toUpperCase()}
          </span>
          <span className="person-name truncate">{name}</span>
          <IconChevronDown size={14} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.user.username} · {text(`role.${me.user.role}`)}
        </Menu.Label>
        <Menu.Item leftSection={<IconUserCircle size={16} aria-hidden />} onClick={() => void navigate({ to: '/me' })}>
          {text('nav.me')}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>
          <IconSettings2 size={12} aria-hidden /> {text('theme.title')}
        </Menu.Label>
        <Menu.RadioGroup
          value={colorScheme}
          onChange={(value) => {
            const scheme = COLOR_SCHEMES.find((known) => known === value) ?? 'auto';
            setPreferences({ theme: scheme });
            setColorScheme(scheme);
          }}
        >
          {COLOR_SCHEMES.map((scheme) => (
            <Menu.RadioItem key={scheme} value={scheme} closeMenuOnClick>
              {text(`theme.${scheme}`)}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void signOut()}>
          {text('nav.sign-out')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
