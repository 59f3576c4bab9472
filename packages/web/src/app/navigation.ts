import type { Permission } from '@enchilada/core/access';
import {
  IconBell,
  IconBroadcast,
  IconCloudSearch,
  IconDeviceDesktop,
  IconFolders,
  IconHourglass,
  IconKey,
  IconListDetails,
  IconLogin2,
  IconPlayerPlay,
  IconServer2,
  IconSettings,
  IconShieldCheck,
  IconUser,
  IconUsers,
  IconUsersGroup,
  type Icon,
} from '@tabler/icons-react';
import { can, type Me } from '../api/me.ts';
import type { MessageKey } from '../i18n/catalogue.ts';

export interface Place {
  readonly to: string;
  readonly label: MessageKey;
  readonly icon: Icon;
  /** Any one of them is enough. */
  readonly needs: readonly Permission[];
}

export const PLACES: readonly Place[] = [
  { to: '/', label: 'nav.machines', icon: IconDeviceDesktop, needs: ['machine.use'] },
  { to: '/requests', label: 'nav.requests', icon: IconHourglass, needs: ['machine.use', 'access.read'] },
  { to: '/live', label: 'nav.live', icon: IconBroadcast, needs: ['session.manage', 'machine.use'] },
  { to: '/recordings', label: 'nav.recordings', icon: IconPlayerPlay, needs: ['recording.read', 'recording.own'] },
  { to: '/audit', label: 'nav.audit', icon: IconListDetails, needs: ['audit.read'] },
];

export const OFFICE: readonly (Place & { readonly section: MessageKey })[] = [
  {
    to: '/catalog/machines',
    label: 'nav.catalog-machines',
    icon: IconServer2,
    needs: ['catalog.read'],
    section: 'nav.catalog',
  },
  {
    to: '/catalog/groups',
    label: 'nav.catalog-groups',
    icon: IconFolders,
    needs: ['catalog.read'],
    section: 'nav.catalog',
  },
  {
    to: '/catalog/sources',
    label: 'nav.sources',
    icon: IconCloudSearch,
    needs: ['catalog.read'],
    section: 'nav.catalog',
  },
  {
    to: '/catalog/credentials',
    label: 'nav.credentials',
    icon: IconKey,
    needs: ['credential.read'],
    section: 'nav.catalog',
  },
  { to: '/access/people', label: 'nav.people', icon: IconUser, needs: ['access.read'], section: 'nav.access' },
  {
    to: '/access/groups',
    label: 'nav.people-groups',
    icon: IconUsersGroup,
    needs: ['access.read'],
    section: 'nav.access',
  },
  { to: '/access/grants', label: 'nav.grants', icon: IconShieldCheck, needs: ['access.read'], section: 'nav.access' },
  { to: '/access/providers', label: 'nav.providers', icon: IconLogin2, needs: ['access.read'], section: 'nav.access' },
  {
    to: '/notifications',
    label: 'nav.notifications',
    icon: IconBell,
    needs: ['settings.read'],
    section: 'nav.product',
  },
  { to: '/settings', label: 'nav.settings', icon: IconSettings, needs: ['settings.read'], section: 'nav.product' },
];

export const ADMINISTRATION_ICON: Icon = IconUsers;

export function open<P extends Place>(places: readonly P[], me: Me): readonly P[] {
  return places.filter((place) => can(me, ...place.needs));
}
