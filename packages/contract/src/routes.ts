import type { ContentStream, InputOf, OutputOf, RouteDefinition } from './route.ts';
import { authorityRoutes } from './routes/authority.ts';
import { deviceLoginRoutes } from './routes/device-login.ts';
import { fileRoutes } from './routes/file.ts';
import { signInRoutes, userRoutes } from './routes/identity.ts';
import { discoveryRoutes } from './routes/discovery.ts';
import { catalogRoutes, machineRoutes } from './routes/machine.ts';
import { providerRoutes } from './routes/provider.ts';
import { tokenRoutes } from './routes/api-token.ts';
import { personalKeyRoutes } from './routes/personal-key.ts';
import { notificationRoutes } from './routes/notification.ts';
import { requestRoutes } from './routes/request.ts';
import { factorRoutes } from './routes/second-factor.ts';
import { keyEncryptionRoutes } from './routes/key-encryption.ts';
import { secretStoreRoutes } from './routes/secret-store.ts';
import { recordingRoutes, sessionRoutes, systemRoutes } from './routes/session.ts';

type Tables = typeof signInRoutes &
  typeof factorRoutes &
  typeof deviceLoginRoutes &
  typeof tokenRoutes &
  typeof personalKeyRoutes &
  typeof providerRoutes &
  typeof userRoutes &
  typeof machineRoutes &
  typeof catalogRoutes &
  typeof requestRoutes &
  typeof authorityRoutes &
  typeof secretStoreRoutes &
  typeof keyEncryptionRoutes &
  typeof notificationRoutes &
  typeof discoveryRoutes &
  typeof sessionRoutes &
  typeof fileRoutes &
  typeof recordingRoutes &
  typeof systemRoutes;

/** Every route of the API. The gateway, its guard, the OpenAPI document, the clients and the authorisation matrix all come from here. */
export const ROUTES: Tables = {
  ...signInRoutes,
  ...factorRoutes,
  ...deviceLoginRoutes,
  ...tokenRoutes,
  ...personalKeyRoutes,
  ...providerRoutes,
  ...userRoutes,
  ...machineRoutes,
  ...catalogRoutes,
  ...requestRoutes,
  ...authorityRoutes,
  ...secretStoreRoutes,
  ...keyEncryptionRoutes,
  ...notificationRoutes,
  ...discoveryRoutes,
  ...sessionRoutes,
  ...fileRoutes,
  ...recordingRoutes,
  ...systemRoutes,
};

export type Routes = typeof ROUTES;
export type RouteId = keyof Routes;
export type RouteInput<K extends RouteId> = InputOf<Routes[K]>;
export type RouteOutput<K extends RouteId> = OutputOf<Routes[K]>;

/** The ids of the routes that answer with a stream of bytes. */
export type StreamRouteId = { [K in RouteId]: Routes[K] extends { readonly stream: string } ? K : never }[RouteId];
/** The ids of the routes that run without a login. */
export type OpenRouteId = { [K in RouteId]: Routes[K]['access'] extends 'public' | 'bootstrap' ? K : never }[RouteId];

/** The ids of the routes that a login may call before its second factor. */
export type ClaimRouteId = { [K in RouteId]: Routes[K]['access'] extends 'signing-in' ? K : never }[RouteId];

/** One handler a route, complete by type: `Open` is what a handler gets without a login, `Claim` with one that may be incomplete, `SignedIn` with a complete one. */
export type RouteHandlers<Open, Claim, SignedIn> = {
  readonly [K in RouteId]: (
    context: K extends OpenRouteId ? Open : K extends ClaimRouteId ? Claim : SignedIn,
    input: RouteInput<K>,
  ) => Promise<K extends StreamRouteId ? ContentStream : RouteOutput<K>>;
};

export const ROUTE_LIST: readonly (RouteDefinition & { readonly id: RouteId })[] = (
  Object.keys(ROUTES) as RouteId[]
).map((id) => ({ id, ...(ROUTES[id] as RouteDefinition) }));

export function successStatus(route: RouteDefinition): 200 | 201 | 204 {
  if (route.response[204] !== undefined) return 204;
  return route.response[201] === undefined ? 200 : 201;
}
