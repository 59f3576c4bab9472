import type { RouteOutput } from '@enchilada/contract';
import type { Permission } from '@enchilada/core/access';
import { queryOptions, useQueryClient, useSuspenseQuery, type QueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { api } from './client.ts';

export type Me = RouteOutput<'getMe'>;
type Preference = string | number | boolean;

/** What was changed here and is not stored yet, nor on its way. */
let unsaved: Preferences = {};
let onTheWay: Preferences = {};
let saving: Promise<void> | undefined;

/** An answer that was given before a change was stored does not take that change off the screen. */
function withChanges(me: Me): Me {
  return { ...me, preferences: { ...me.preferences, ...onTheWay, ...unsaved } };
}

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }) => withChanges(await api('getMe', {}, { signal })),
  staleTime: 60_000,
});

export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

export function can(me: Me, ...anyOf: readonly Permission[]): boolean {
  return anyOf.some((permission) => me.permissions.includes(permission));
}

export type Preferences = Readonly<Record<string, Preference>>;

/** Own preferences; a change shows at once and is stored behind it. */
export function usePreferences(): readonly [Preferences, (change: Preferences) => void] {
  return [useMe().preferences, usePreferenceChange()];
}

/** The route replaces all of them: each change is laid over what is stored by then, also by another device. */
async function saveAll(client: QueryClient): Promise<void> {
  while (Object.keys(unsaved).length > 0) {
    const me = await api('getMe');
    onTheWay = unsaved;
    unsaved = {};
    const preferences = { ...me.preferences, ...onTheWay };
    await api('setPreferences', { body: { preferences } });
    client.setQueryData(meQuery.queryKey, withChanges({ ...me, preferences }));
    onTheWay = {};
  }
}

/** Changes preferences also where nobody may be signed in yet. */
export function usePreferenceChange(): (change: Preferences) => void {
  const client = useQueryClient();
  return useCallback(
    (change: Preferences) => {
      unsaved = { ...unsaved, ...change };
      client.setQueryData(meQuery.queryKey, (me) => me && withChanges(me));
      saving ??= saveAll(client)
        .catch(() => {
          unsaved = {};
          onTheWay = {};
          return client.invalidateQueries({ queryKey: meQuery.queryKey });
        })
        .finally(() => {
          saving = undefined;
        });
    },
    [client],
  );
}
