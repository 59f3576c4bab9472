import { EnchiladaClient } from '@enchilada/contract';
import { hostname } from 'node:os';
import { CommandFailure, usage } from '../frame/exit-code.ts';
import type { Io } from '../frame/io.ts';
import { httpFetch, type HttpResponse } from './http-fetch.ts';
import { readPrivateFile } from './private-file.ts';
import { readLogin, type StoredLogin, writeLogin } from './stored-login.ts';

/** Names the machine to the person who approves a login, and in their list of logins. */
const USER_AGENT = `enchilada (${hostname()
  .replaceAll(/[^\w.-]/gu, '?')
  .slice(0, 64)})`;

export type Api = EnchiladaClient<HttpResponse>;

export interface Client {
  readonly api: Api;
  readonly login: StoredLogin;
}

/** The origin that a person typed. A cookie must not cross a network in clear. @throws CommandFailure 2 */
export function originOf(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw usage(`the address must be like https://bastion.example.org, received ${JSON.stringify(text)}`);
  if (url.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) {
    throw usage(`${url.origin} would carry the password in clear; use https`);
  }
  return url.origin;
}

/** A client that sends what a page of the same origin would, and hears of each new cookie. */
export function clientOf(login: Omit<StoredLogin, 'username'>, onCookie: (cookie: string) => Promise<void>): Api {
  const { url, ca, token } = login;
  const fetch = httpFetch(ca === undefined ? {} : { ca });
  let { cookie } = login;
  return new EnchiladaClient<HttpResponse>({
    baseUrl: url,
    headers: () => ({
      origin: url,
      'user-agent': USER_AGENT,
      ...(cookie === '' ? {} : { cookie }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }),
    fetch: async (address, request) => {
      const response = await fetch(address, request);
      const [pair] = (response.setCookie[0] ?? '').split(';');
      if (pair !== undefined && pair !== '') {
        cookie = pair.endsWith('=') ? '' : pair;
        await onCookie(cookie);
      }
      return response;
    },
  });
}

/** For programs: the address and a file with the token. Not `ENCHILADA_…`: the gateway takes those for settings of its own. */
async function loginOfToken(env: Io['env']): Promise<StoredLogin | undefined> {
  const { ENCH_URL: url, ENCH_TOKEN_FILE: file } = env;
  if (url === undefined || file === undefined) return undefined;
  const token = (await readPrivateFile(file))?.trim();
  if (token === undefined || !/^ench_[A-Za-z0-9_-]{43}$/u.test(token))
    throw new CommandFailure(3, `${file} holds no API token`);
  return { url: originOf(url), username: '', cookie: '', token };
}

export async function openClient(io: Io): Promise<Client> {
  const program = await loginOfToken(io.env);
  if (program !== undefined) return { api: clientOf(program, () => Promise.resolve()), login: program };
  const login = await readLogin(io.env);
  if (login === undefined) throw new CommandFailure(3, 'not signed in; sign in with enchilada login URL');
  const api = clientOf(login, async (cookie) => {
    if (cookie !== '') await writeLogin(io.env, { ...login, cookie });
  });
  return { api, login };
}
