import type { RouteOutput } from '@enchilada/contract';
import type { Permission } from '@enchilada/core/access';
import { queryOptions, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
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

/** Own preferences; a change shows at once and is stored behind it. */
export function usePreferences(): readonly [
  Readonly<Record<string, Preference>>,
  (change: Readonly<Record<string, Preference>>) => void,
] {
  const me = useMe();
  const client = useQueryClient();
  const change = useCallback(
    (values: Readonly<Record<string, Preference>>) => {
      const current = client.getQueryData(meQuery.queryKey);
      if (current === undefined) return;
      const preferences = { ...current.preferences, ...values };
      client.setQueryData(meQuery.queryKey, { ...current, preferences });
      void api('setPreferences', { body: { preferences } }).catch(() =>
        client.invalidateQueries({ queryKey: meQuery.queryKey }),
      );
    },
    [client],
  );
  return [me.preferences, change];
}
