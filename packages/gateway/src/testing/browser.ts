import assert from 'node:assert/strict';
import { SoftwarePasskey } from '@enchilada/core/testing/software-passkey';
import { codeAt, stepAt } from '../auth/totp.ts';
import { call, cookieOf, type GatewayFixture, type Node, ORIGIN, PASSWORD } from './gateway-fixture.ts';

export interface Answer {
  readonly stage: string;
  readonly me?: { readonly login: { readonly factor?: string } };
  readonly code: string;
  readonly recoveryCodes?: readonly string[];
}

/** Somebody at a browser: keeps the cookie that each answer sets. */
export class Browser {
  readonly node: Node;
  cookie: string | undefined;

  constructor(node: Node) {
    this.node = node;
  }

  async send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) {
    const response = await call(this.node, method, path, { body, cookie: this.cookie });
    const set = response.headers['set-cookie'];
    if (set !== undefined) this.cookie = /Max-Age=0/u.test(String(set)) ? undefined : cookieOf(set);
    return { status: response.statusCode, body: (response.body === '' ? {} : response.json()) as Answer };
  }

  async signIn(username: string): Promise<Answer> {
    return (await this.send('POST', '/login', { username, password: PASSWORD })).body;
  }

  /** Answers the seed. */
  async enrolApp(fixture: GatewayFixture): Promise<{ seed: Buffer; recoveryCodes: readonly string[] }> {
    const { body } = await this.send('POST', '/me/factors/totp');
    const { id, secret } = body as unknown as { id: string; secret: string };
    const seed = fromBase32(secret);
    const code = codeAt(seed, stepAt(fixture.clock.now()));
    const done = await this.send('POST', `/me/factors/${id}/confirm`, { code, name: 'phone' });
    assert.equal(done.status, 200, JSON.stringify(done.body));
    return { seed, recoveryCodes: done.body.recoveryCodes ?? [] };
  }

  async enrolPasskey(passkey = new SoftwarePasskey()): Promise<SoftwarePasskey> {
    const { body } = await this.send('POST', '/me/factors/passkey/options');
    const creation = passkey.create(body as never, ORIGIN);
    const done = await this.send('POST', '/me/factors/passkey', { passkey: creation, name: 'laptop' });
    assert.equal(done.status, 201, JSON.stringify(done.body));
    return passkey;
  }

  at(node: Node): Browser {
    const other = new Browser(node);
    other.cookie = this.cookie;
    return other;
  }
}

function fromBase32(text: string): Buffer {
  const bits = [...text].map((sign) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(sign).toString(2).padStart(5, '0'));
  const bytes = bits.join('').match(/.{8}/gu) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
}
