import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { ApiFault, whenSignedOut } from '../api/http.ts';
import { meQuery, type Me } from '../api/me.ts';
import { plainSearch } from './plain-search.ts';
import { PageFault, PageMissing, PagePending } from './page-states.tsx';
import { Shell } from './shell.tsx';

interface Context {
  readonly client: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ component: Outlet, validateSearch: plainSearch });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('../pages/sign-in.tsx'), 'SignInPage'),
});
const signInBack = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/back/$provider',
  component: lazyRouteComponent(() => import('../pages/sign-in-back.tsx'), 'SignInBackPage'),
});
const welcome = createRoute({
  getParentRoute: () => root,
  path: '/welcome',
  component: lazyRouteComponent(() => import('../pages/welcome.tsx'), 'WelcomePage'),
});
const recover = createRoute({
  getParentRoute: () => root,
  path: '/recover',
  component: lazyRouteComponent(() => import('../pages/recover.tsx'), 'RecoverPage'),
});

const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  component: Shell,
  beforeLoad: async ({ context, location }): Promise<{ readonly me: Me }> => {
    try {
      return { me: await context.client.query({ ...meQuery, staleTime: 'static' }) };
    } catch (error) {
      if (error instanceof ApiFault && (error.code === 'UNAUTHENTICATED' || error.code === 'BOOTSTRAP_REQUIRED')) {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- how the router takes a redirect
        throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { next: location.href } });
      }
      if (error instanceof ApiFault && error.code === 'SECOND_FACTOR_DUE') {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- how the router takes a redirect
        throw redirect({ to: '/sign-in', search: { step: 'factor', next: location.href } });
      }
      throw error;
    }
  },
});

const page = { getParentRoute: () => signedIn } as const;
const administration = createRoute({
  ...page,
  id: 'administration',
  component: lazyRouteComponent(() => import('../pages/administration.tsx'), 'AdministrationLayout'),
});
const office = { getParentRoute: () => administration } as const;

const tree = root.addChildren([
  signIn,
  signInBack,
  welcome,
  recover,
  signedIn.addChildren([
    createRoute({
      ...page,
      path: '/',
      component: lazyRouteComponent(() => import('../pages/machines.tsx'), 'MachinesPage'),
    }),
    createRoute({
      ...page,
      path: '/first-run',
      component: lazyRouteComponent(() => import('../pages/first-run.tsx'), 'FirstRunPage'),
    }),
    createRoute({
      ...page,
      path: '/requests',
      component: lazyRouteComponent(() => import('../pages/requests.tsx'), 'RequestsPage'),
    }),
    createRoute({
      ...page,
      path: '/live',
      component: lazyRouteComponent(() => import('../pages/live.tsx'), 'LivePage'),
    }),
    createRoute({
      ...page,
      path: '/recordings',
      component: lazyRouteComponent(() => import('../pages/recordings.tsx'), 'RecordingsPage'),
    }),
    createRoute({
      ...page,
      path: '/audit',
      component: lazyRouteComponent(() => import('../pages/audit.tsx'), 'AuditPage'),
    }),
    createRoute({
      ...page,
      path: '/device',
      component: lazyRouteComponent(() => import('../pages/device.tsx'), 'DevicePage'),
    }),
    createRoute({ ...page, path: '/me', component: lazyRouteComponent(() => import('../pages/me.tsx'), 'MePage') }),
    administration.addChildren([
      createRoute({
        ...office,
        path: '/catalog/machines',
        component: lazyRouteComponent(() => import('../pages/catalog-machines.tsx'), 'CatalogMachinesPage'),
      }),
      createRoute({
        ...office,
        path: '/catalog/groups',
        component: lazyRouteComponent(() => import('../pages/catalog-groups.tsx'), 'CatalogGroupsPage'),
      }),
      createRoute({
        ...office,
        path: '/catalog/sources',
        component: lazyRouteComponent(() => import('../pages/sources.tsx'), 'SourcesPage'),
      }),
      createRoute({
        ...office,
        path: '/catalog/credentials',
        component: lazyRouteComponent(() => import('../pages/credentials.tsx'), 'CredentialsPage'),
      }),
      createRoute({
        ...office,
        path: '/access/people',
        component: lazyRouteComponent(() => import('../pages/people.tsx'), 'PeoplePage'),
      }),
      createRoute({
        ...office,
        path: '/access/groups',
        component: lazyRouteComponent(() => import('../pages/people-groups.tsx'), 'PeopleGroupsPage'),
      }),
      createRoute({
        ...office,
        path: '/access/grants',
        component: lazyRouteComponent(() => import('../pages/grants.tsx'), 'GrantsPage'),
      }),
      createRoute({
        ...office,
        path: '/access/providers',
        component: lazyRouteComponent(() => import('../pages/providers.tsx'), 'ProvidersPage'),
      }),
      createRoute({
        ...office,
        path: '/notifications',
        component: lazyRouteComponent(() => import('../pages/notifications.tsx'), 'NotificationsPage'),
      }),
      createRoute({
        ...office,
        path: '/settings',
        component: lazyRouteComponent(() => import('../pages/settings.tsx'), 'SettingsPage'),
      }),
    ]),
  ]),
]);

export function createAppRouter(client: QueryClient) {
  const router = createRouter({
    routeTree: tree,
    context: { client },
    defaultPreload: 'intent',
    defaultPendingMs: 300,
    defaultPendingComponent: PagePending,
    defaultErrorComponent: ({ error, reset }) => <PageFault error={error} onRetry={reset} />,
    defaultNotFoundComponent: PageMissing,
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => {
      const pairs = Object.entries(search).flatMap(([name, value]) =>
        typeof value === 'string' && value !== '' ? [[name, value]] : [],
      );
      return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
    },
  });
  whenSignedOut((step) => {
    const { pathname } = router.state.location;
    if (['/sign-in', '/welcome', '/recover'].includes(pathname) || pathname.startsWith('/sign-in/')) return;
    client.clear();
    void router.navigate({
      to: '/sign-in',
      search: { ...(step === undefined ? {} : { step }), next: router.state.location.href },
    });
  });
  return router;
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
