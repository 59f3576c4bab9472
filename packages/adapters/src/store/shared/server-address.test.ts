import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import { parseServerUrl, type ServerConfig } from './server-address.ts';

const SCHEME = { schemes: ['db:'], defaultPort: 1234 };

function parse(text: string, fields: Partial<ServerConfig> = {}) {
  const url = new Secret(text);
  return parseServerUrl(url, SCHEME, { url, ...fields });
}

it('verifies TLS for every host but this machine, unless plain text is allowed by name', () => {
  for (const host of [
    'db.example',
    '10.0.0.1',
    '[2001:db8::1]',
    'localhost.evil.example',
    '127.evil.example',
    '1270.0.0.1',
  ]) {
    assert.equal(parse(`db://u:p@${host}/x`).tls, 'verified', host);
    assert.equal(parse(`db://u:p@${host}/x`, { allowPlaintext: true }).tls, 'none', host);
    assert.equal(parse(`db://u:p@${host}/x`, { allowPlaintext: true, ca: 'pem' }).tls, 'verified', host);
  }
  for (const host of ['localhost', '127.0.0.1', '127.3.2.1', '[::1]'])
    assert.equal(parse(`db://u:p@${host}/x`).tls, 'none', host);
  assert.equal(parse('db://u:p@localhost/x', { ca: 'pem' }).tls, 'verified');
});

it('reads every part of the address', () => {
  assert.deepEqual(parse('db://us%40er:p%2Fw%3A@[::1]:77/na%20me'), {
    host: '::1',
    port: 77,
    user: 'us@er',
    password: 'p/w:',
    database: 'na me',
    tls: 'none',
  });
  assert.equal(parse('db://h/x').port, 1234);
});

it('refuses what it does not know, and never prints the password', () => {
  for (const text of [
    '',
    'x',
    'http://u:canary@h/x',
    'db://u:canary@h',
    'db://u:canary@h/',
    'db:///x',
    'db://u:canary@h/x?sslmode=disable',
    'db://u:canary@h/x?ssl=0',
  ]) {
    assert.throws(
      () => parse(text),
      (error: unknown) =>
        isFault(error, 'CONFIGURATION_INVALID') &&
        error.message.includes('database.url') &&
        !error.message.includes('canary'),
    );
  }
});
