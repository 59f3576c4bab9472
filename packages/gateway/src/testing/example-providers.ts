import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { AssertedPerson, ProviderType, RefreshVerdict } from '@enchilada/core/identity';

const label = (words: string) => ({ en: words, de: words });

/** People whom the example directory knows; a test puts them there and takes them away. The password is their name backwards. */
export const exampleDirectory = new Map<string, AssertedPerson>();

/** What the example provider says when it is asked again with a token, which it notes first. */
export const exampleRefresh = {
  shown: [] as string[],
  next: undefined as string | undefined,
  /** Waited for before it answers. */
  before: (): Promise<undefined> => Promise.resolve(undefined),
  says: (_token: string): Promise<RefreshVerdict> => Promise.resolve({ outcome: 'stands', person: undefined }),
};

/** Whatever the browser brings back is believed: `answer` is the assertion itself. How real ones are judged is tested with the adapters. */
const redirecting: ProviderType = {
  manifest: { kind: 'away', label: label('Away'), way: 'redirect', parameters: [], secret: label('Secret') },
  open: () =>
    Promise.resolve({
      way: 'redirect',
      begin: ({ state, nonce, at: { returnTo } }) =>
        Promise.resolve(`https://idp.test/?${new URLSearchParams({ state, nonce, returnTo }).toString()}`),
      complete: (answer, flow) => {
        const given = new URLSearchParams(answer);
        if (given.get('nonce') !== flow.nonce) throw new Fault('PROVIDER_REFUSED', 'the nonce is another one');
        return Promise.resolve({
          person: {
            subject: given.get('sub') ?? '',
            username: given.get('name') ?? '',
            displayName: given.get('name') ?? '',
            email: undefined,
            groups: given.getAll('group'),
          },
          provedAt: undefined,
          gaveSecondFactor: given.get('mfa') === 'yes',
          session: given.get('sid') ?? undefined,
          ...(given.has('until') ? { endsAt: Number(given.get('until')) } : {}),
          logoutHint: undefined,
          ...(given.has('refresh') ? { refreshToken: new Secret(given.get('refresh') ?? '') } : {}),
        });
      },
      refresh: async (token, _subject, keep) => {
        exampleRefresh.shown.push(token.reveal());
        await exampleRefresh.before();
        if (exampleRefresh.next !== undefined) await keep(new Secret(exampleRefresh.next));
        return exampleRefresh.says(token.reveal());
      },
      revoke: (token) => {
        exampleRefresh.shown.push(`given back: ${token.reveal()}`);
        return Promise.resolve();
      },
      endSession: () => Promise.resolve('https://idp.test/out'),
      hearLogout: ({ jti = '', sid, sub }) =>
        jti === ''
          ? Promise.reject(new Fault('PROVIDER_REFUSED', 'the message is not signed'))
          : Promise.resolve({ id: jti, subject: sub, session: sid, expiresAt: 2_000_000_000_000 }),
    }),
};

const asking: ProviderType = {
  manifest: {
    ...{ kind: 'phonebook', label: label('Phone book'), way: 'password', secret: label('Secret') },
    parameters: ['shelf', 'shade'].map((name) => ({
      ...{ name, kind: 'text', group: label('Place'), label: label(name), default: '', maxLength: 100 },
    })),
    secretGoesBy: ['shelf'],
  },
  open: () =>
    Promise.resolve({
      way: 'password',
      verify: (username, password) => {
        const person = [...exampleDirectory.values()].find((one) => one.username === username);
        if (person === undefined || password.reveal() !== [...username].reverse().join(''))
          return Promise.reject(new Fault('LOGIN_REFUSED', 'the name or the password is wrong'));
        if (!person.groups.includes('asked')) return Promise.resolve({ person });
        return Promise.resolve({
          question: { text: 'the code', isHidden: true, state: new Secret(`state of ${username}`) },
        });
      },
      answer: ({ username, state, answer }) => {
        const person = exampleDirectory.get(username);
        if (person === undefined || state.reveal() !== `state of ${username}` || answer.reveal() !== '246810')
          return Promise.reject(new Fault('LOGIN_REFUSED', 'the answer is wrong'));
        return Promise.resolve({ person, gaveSecondFactor: true });
      },
      changePassword: () => Promise.reject(new Fault('CONFLICT', 'passwords are not changed here')),
      lookUp: (subject) => Promise.resolve(exampleDirectory.get(subject)),
    }),
};

/** Whatever the header says is believed from one address. */
const behind: ProviderType = {
  manifest: { kind: 'front', label: label('Front'), way: 'proxy', parameters: [], secret: label('Secret') },
  open: () =>
    Promise.resolve({
      way: 'proxy',
      isBefore: ({ peer }) => peer === '10.9.9.9',
      read: ({ peer, headers }) => {
        const [subject = ''] = headers('x-front-user');
        if (peer !== '10.9.9.9') return Promise.reject(new Fault('PROVIDER_REFUSED', `${peer} is not the proxy`));
        return Promise.resolve({
          person: { subject, username: subject, displayName: '', email: undefined, groups: headers('x-front-group') },
          ...{ provedAt: undefined, gaveSecondFactor: false, session: undefined, logoutHint: undefined },
        });
      },
    }),
};

export const exampleProviders: readonly ProviderType[] = [redirecting, asking, behind];
