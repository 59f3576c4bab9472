import { readFile } from 'node:fs/promises';
import { command, done } from '../frame/command.ts';
import { escapeText } from '@enchilada/core/text';
import { CommandFailure, usage } from '../frame/exit-code.ts';
import { when } from '../frame/table.ts';
import { askPassword, confirm } from './ask.ts';
import { signInByDevice } from './device-login.ts';
import { giveFactor } from './second-factor.ts';
import { clientOf, openClient, originOf } from './client.ts';
import { forgetLogin, loginFile, readLogin, writeLogin } from './stored-login.ts';

export const loginCommands = [
  command('login', {
    summary: 'Sign in and keep the login in a file that only you may read.',
    words: ['URL', 'USERNAME?'],
    options: {
      'password-file': { type: 'string', value: 'FILE', says: 'read the password from a file; - is standard input' },
      'code-file': {
        type: 'string',
        value: 'FILE',
        says: 'read the code of the authenticator app, or a recovery code, from a file; - is standard input',
      },
      ca: { type: 'string', value: 'FILE', says: 'trust the certificate authority in this PEM file for this server' },
      'accept-banner': { type: 'boolean', says: 'agree to the banner of the server without being asked' },
    },
    details: [
      'Without USERNAME it prints an address and a short code, opens nothing, and waits. Whoever opens that address in a browser, on any machine, signs in there in their usual way (identity provider, passkey, second factor), and approves the code, signs this command line in as themselves.',
      'With USERNAME a local account signs in here. The password is asked for without echo, or read from standard input where that is no terminal. It is never taken from the command line.',
      'Where a second factor is due, a code of the authenticator app or a recovery code is asked for; who has none yet is shown one to enrol. Who has passkeys alone signs in without USERNAME.',
      'The login is kept in $XDG_CONFIG_HOME/enchilada/login.json, mode 0600, until logout or until the server ends it.',
    ],
    async run({ io, words: [address = '', username], options, note }) {
      const url = originOf(address);
      if (username === undefined && (options['password-file'] ?? options['code-file']) !== undefined)
        throw usage('USERNAME is missing: only a local account signs in with a password or a code from a file');
      const ca = options.ca === undefined ? {} : { ca: await readFile(options.ca, 'utf8') };
      let cookie = '';
      const api = clientOf({ url, cookie, ...ca }, (fresh) => {
        cookie = fresh;
        return Promise.resolve();
      });
      const { banner, bootstrapRequired } = await api.getSignIn();
      if (bootstrapRequired)
        throw new CommandFailure(3, `${url} has no administrator yet; open the one-time link that it printed at start`);
      if (banner !== undefined && banner.text !== '') for (const line of banner.text.split('\n')) note(line);
      const byPassword = async (name: string) => {
        const consent = banner?.consent === true;
        if (consent && options['accept-banner'] !== true && !(await confirm(io, 'Do you agree?')))
          throw new CommandFailure(3, 'the banner was not agreed to; see --accept-banner');
        const password = await askPassword(io, `Password of ${escapeText(name)}`, options['password-file']);
        const body = { username: name, password: password.reveal(), ...(consent ? { consent: true } : {}) };
        return (await api.login({ body })).me;
      };
      // Who agrees to the banner in the browser is not asked here too.
      const signedIn = username === undefined ? await signInByDevice(api, note) : await byPassword(username);
      const me = signedIn ?? (await giveFactor(api, { io, note, codeFile: options['code-file'] }));
      if (cookie === '') throw new CommandFailure(3, `${url} signed you in and set no cookie`);
      await writeLogin(io.env, { url, username: me.user.username, cookie, ...ca });
      return done(
        { url, user: me.user, expiresAt: me.login.expiresAt },
        `Signed in to ${url} as ${me.user.username} (${me.user.role}), until ${when(me.login.expiresAt)} at the latest.`,
      );
    },
  }),
  command('logout', {
    summary: 'End the login, on the server and in the file.',
    async run({ io }) {
      const login = await readLogin(io.env);
      if (login === undefined) return done({ signedOut: false }, 'Nobody was signed in.');
      try {
        const { api } = await openClient(io);
        await api.logout();
      } finally {
        await forgetLogin(io.env);
      }
      return done({ signedOut: true, url: login.url }, `Signed out of ${login.url}.`);
    },
  }),
  command('whoami', {
    summary: 'Show who is signed in, where, and with which permissions.',
    async run({ io, client }) {
      const { api, login } = await client();
      const me = await api.getMe();
      const lines = [
        `${me.user.username} (${me.user.displayName}), ${me.user.role}, at ${login.url}`,
        `groups: ${me.groups.map(({ name }) => name).join(', ') || 'none'}`,
        `permissions: ${me.permissions.join(', ')}`,
        `signed in ${when(me.login.createdAt)} by ${me.login.method}, until ${when(me.login.expiresAt)} at the latest`,
        `login file: ${loginFile(io.env)}`,
      ];
      return done({ url: login.url, ...me }, ...lines);
    },
  }),
];
