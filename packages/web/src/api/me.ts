import type { RouteOutput } from '@enchilada/contract';
import type { Permission } from '@enchilada/core/access';
import { queryOptions, useQueryClient, useSuspenseQuery, type QueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { api } from './client.ts';

export type Me = RouteOutput<'getMe'>;
type Preference = string | number | boolean;

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => api('getMe', {}, { signal }),
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

let unsaved: Preferences = {};
let saving: Promise<void> | undefined;

/** The route replaces all of them: each change is laid over what is stored by then, also by another device. */
async function saveAll(client: QueryClient): Promise<void> {
  while (Object.keys(unsaved).length > 0) {
    const { preferences } = await client.query({ ...meQuery, staleTime: 0 });
    const change = unsaved;
    unsaved = {};
    await api('setPreferences', { body: { preferences: { ...preferences, ...change } } });
    showChange(client, change);
  }
}

function showChange(client: QueryClient, change: Preferences): void {
  const me = client.getQueryData(meQuery.queryKey);
  if (me !== undefined) client.setQueryData(meQuery.queryKey, { ...me, preferences: { ...me.preferences, ...change } });
}

/** Changes preferences also where nobody may be signed in yet. */
export function usePreferenceChange(): (change: Preferences) => void {
  const client = useQueryClient();
  return useCallback(
    (change: Preferences) => {
      unsaved = { ...unsaved, ...change };
      showChange(client, change);
      saving ??= saveAll(client)
        .catch(() => {
          unsaved = {};
          return client.invalidateQueries({ queryKey: meQuery.queryKey });
        })
        .finally(() => {
          saving = undefined;
        });
    },
    [client],
  );
}
