import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { loadConfig, type ConfigInputs } from './load-config.ts';
import { planListening } from './listen-plan.ts';

function load(part: Partial<ConfigInputs> & { yaml?: string }) {
  const { yaml, ...rest } = part;
  return loadConfig({
    environment: {},
    flags: {},
    readFile: () => {
      throw new Error('no such file');
    },
    ...(yaml === undefined ? {} : { file: { name: 'enchilada.yaml', text: yaml } }),
    ...rest,
  });
}

test('without anything, every key has its default and the listener is loopback', () => {
  const { values, given, weakenings } = load({});
  assert.equal(values['sessions.grace'], 300_000);
  assert.equal(given.size, 0);
  assert.deepEqual(weakenings, []);
  assert.deepEqual(planListening(values), { addresses: ['127.0.0.1'], optional: ['::1'], tls: undefined });
  assert.ok(Object.isFrozen(values));
});

test('flags win over the environment, which wins over the file', () => {
  const yaml = 'port: 1\nsessions: { idle: 2m, grace: 10s }\n';
  const environment = { ENCHILADA_PORT: '2', ENCHILADA_SESSIONS_IDLE: '3m' };
  const { values, given } = load({ yaml, environment, flags: { port: '3' } });
  assert.deepEqual([values.port, values['sessions.idle'], values['sessions.grace']], [3, 180_000, 10_000]);
  assert.deepEqual([...given].sort(), ['port', 'sessions.grace', 'sessions.idle']);
});

test('an unknown name is refused with the nearest known one, in the file and in the environment', () => {
  assert.throws(() => load({ yaml: 'sesions:\n  idle: 1h\n' }), {
    code: 'CONFIGURATION_INVALID',
    message: /sesions is not known; did you mean sessions\?/u,
  });
  assert.throws(() => load({ yaml: 'pubilcUrl: https://x.example\n' }), { message: /did you mean publicUrl\?/u });
  assert.throws(() => load({ environment: { ENCHILADA_DATA_DRI: '/x' } }), {
    message: /did you mean ENCHILADA_DATA_DIR\?/u,
  });
});

test('a wrong value is named with its key and what was received', () => {
  assert.throws(() => load({ yaml: 'port: 70000\n' }), {
    message: 'port must be a whole number from 0 to 65535, received 70000',
  });
  assert.throws(() => load({ yaml: 'sessions: { idle: 5 }\n' }), {
    message: /sessions.idle must be a duration like 30s/u,
  });
  assert.throws(() => load({ yaml: 'trustedProxies: [nowhere]\n' }), { message: /list of networks/u });
  assert.throws(() => load({ yaml: 'port: 1\nport: 2\n' }), { message: /not valid YAML/u });
  assert.throws(() => load({ yaml: 'a: &a 1\nb: *a\n' }), {
    code: 'CONFIGURATION_INVALID',
    message: /aliases .* are not read/u,
  });
  assert.throws(() => load({ yaml: 'publicUrl: https://x.example/path\n' }), { message: /without path/u });
});

test('a URL with a password comes by reference and is never shown', () => {
  const url = 'db://app:hunter2canary@host/name';
  assert.throws(
    () => load({ yaml: `database: { url: "${url}" }\n` }),
    (error: Error) => /file:PATH or env:NAME/u.test(error.message) && !error.message.includes('canary'),
  );
  for (const inputs of [
    { yaml: 'database: { url: "env:SOME_URL" }\n', environment: { SOME_URL: url } },
    { yaml: 'database: { url: "file:/run/url" }\n', readFile: () => `${url}\n` },
    { environment: { ENCHILADA_DATABASE_URL: url } },
  ]) {
    const { values } = load(inputs);
    assert.equal(values['database.url']?.reveal(), url);
    assert.ok(!inspect(values, { depth: 9 }).includes('canary') && !JSON.stringify(values).includes('canary'));
  }
});

test('other machines are let in only over TLS with a public address', () => {
  const plan = (yaml: string) => planListening(load({ yaml }).values);
  assert.throws(() => plan('listen: [0.0.0.0]\n'), { message: /needs tls.cert and tls.key and publicUrl/u });
  assert.throws(() => plan('listen: ["::"]\ntls: { cert: a, key: b }\n'), { message: /needs publicUrl/u });
  assert.throws(() => plan('tls: { cert: a }\n'), { message: /belong together/u });
  assert.throws(() => plan('publicUrl: http://bastion.example.org\n'), { message: /must begin with https/u });
  assert.deepEqual(
    plan('listen: ["::"]\ntls: { cert: a, key: b }\npublicUrl: https://bastion.example.org\n').addresses,
    ['::'],
  );
});

test('every weakening is named', () => {
  assert.deepEqual(load({ yaml: 'recording: { mode: off }\negress: { allowLoopback: true }\n' }).weakenings, [
    'egress.allowLoopback: true',
    'recording.mode: off',
  ]);
});
