import assert from 'node:assert/strict';
import type { ProviderRecord } from '@enchilada/core/identity';
import { call, cookieOf, type GatewayFixture, type Node, ORIGIN } from './gateway-fixture.ts';

export interface Answer {
  readonly code?: string;
  readonly next?: string;
  readonly signedIn?: {
    readonly stage: string;
    readonly me?: { readonly user: { readonly id: string; readonly username: string; readonly role: string } };
  };
}

/** A provider of the example kind `away`, at which everybody is admitted. */
export async function addProvider(
  fixture: GatewayFixture,
  change: Partial<ProviderRecord> = {},
): Promise<ProviderRecord> {
  const record: ProviderRecord = {
    ...{ id: 'idp_one', kind: 'away', name: 'Example IdP', parameters: {}, secret: undefined, rules: [] },
    ...{ admits: 'everyone', trustsFactor: false, enabled: true, version: 1, createdAt: 0, updatedAt: 0 },
    ...change,
  };
  await fixture.store.now.providers.insert(record);
  return record;
}

/** A browser: both cookies, as they are set. */
export class ProviderBrowser {
  readonly #node: Node;
  readonly cookies = new Map<string, string>();

  constructor(node: Node) {
    this.#node = node;
  }

  at(node: Node): ProviderBrowser {
    const same = new ProviderBrowser(node);
    for (const [name, value] of this.cookies) same.cookies.set(name, value);
    return same;
  }

  async send(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown, address?: string) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await call(this.#node, method, path, {
      ...(body === undefined ? {} : { body }),
      ...(cookie === '' ? {} : { cookie }),
      ...(address === undefined ? {} : { address }),
    });
    for (const line of [response.headers['set-cookie'] ?? []].flat()) {
      const [name = '', value = ''] = cookieOf(line).split('=');
      if (/Max-Age=0/u.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return { status: response.statusCode, body: response.body === '' ? ({} as Answer) : response.json<Answer>() };
  }

  /** What the example provider would answer for this attempt. */
  async begin(id: string, person: Readonly<Record<string, string>>, next?: string): Promise<string> {
    const { status, body } = await this.send(
      'POST',
      `/login/providers/${id}/start`,
      next === undefined ? {} : { next },
    );
    assert.equal(status, 200, JSON.stringify(body));
    const { searchParams } = new URL((body as { url: string }).url);
    assert.equal(searchParams.get('returnTo'), `${ORIGIN}/sign-in/back/${id}`);
    return new URLSearchParams({
      state: searchParams.get('state') ?? '',
      nonce: searchParams.get('nonce') ?? '',
      ...person,
    }).toString();
  }

  complete(id: string, answer: string) {
    return this.send('POST', `/login/providers/${id}/complete`, { answer });
  }

  async signIn(id: string, person: Readonly<Record<string, string>>) {
    return this.complete(id, await this.begin(id, person));
  }
}
