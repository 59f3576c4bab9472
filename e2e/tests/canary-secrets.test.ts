import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { generateKey } from '@enchilada/core/testing/servers/sshd';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import type { Shell } from '../product/index.ts';
import { ADMIN, LOOPBACK, Site, startSshd } from './site.ts';
import { filesOf, findCanaries, formsOf, Mirror } from './traces.ts';
import type { Canaries, Place } from './traces.ts';

/** Letters that other encodings change, so that each form of it is a form of its own. */
const canary = (name: string): string => `${name}"/+é~${randomBytes(12).toString('base64url')}`;

test('the search finds a secret in every form it looks for', () => {
  const secret = canary('found');
  for (const [form, bytes] of formsOf(secret)) {
    const place = { name: 'here', bytes: Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')]) };
    assert.ok(findCanaries([place], { it: secret }).includes(`here: it as ${form}`), form);
  }
  for (const lead of [0, 1, 2]) {
    const encoded = Buffer.from(`${'x'.repeat(lead)}${secret}and more`).toString('base64');
    assert.notDeepEqual(
      findCanaries([{ name: 'x', bytes: Buffer.from(encoded) }], { it: secret }),
      [],
      `base64+${lead}`,
    );
  }
  assert.deepEqual(findCanaries([{ name: 'here', bytes: Buffer.from('nothing') }], { it: secret }), []);
});

test('no secret of a whole working day is found in database, logs, audit, recordings, journal, spool or any answer', async () => {
  using mirror = new Mirror();
  await using sshd = await startSshd();
  const passphrase = canary('passphrase');
  const key = await generateKey(['-t', 'ed25519'], passphrase);
  await sshd.authorize(key.publicKey);
  const typed = {
    'password typed at the sign-in page, wrong': canary('wrong'),
    'password typed at connect, wrong': canary('asked'),
    'password typed at a prompt of the machine': `hidden${randomBytes(12).toString('base64url')}`,
    'password of a new account': canary('account'),
    'password stored and replaced': canary('replaced'),
    'password in an import that failed': canary('import'),
  };
  const site = await Site.start({ config: 'log: { level: trace }\nrecording: { input: echoed }\n' });
  const { gateway, admin } = site;
  const places: Place[] = [];
  const shells: Shell[] = [];
  const canaries: Record<string, string> = {
    ...typed,
    'sign-in password': ADMIN.password,
    'bootstrap token': new URL(gateway.bootstrapUrl).hash.replace(/^#(?:bootstrap=)?/u, ''),
    'password of the machine': sshd.password,
    'passphrase of the key': passphrase,
    'private key': key.privateKey.split('\n').slice(2, 4).join('\n'),
    'private key without line ends': key.privateKey.split('\n').slice(2, 4).join(''),
    cookie: admin.cookie.split('=')[1] ?? '',
  };
  try {
    const { api } = admin;
    await assert.rejects(
      Person.signIn(gateway.url, {
        username: ADMIN.username,
        password: typed['password typed at the sign-in page, wrong'],
      }),
    );
    await api.createUser({
      body: { username: 'nina', displayName: '', role: 'user', password: typed['password of a new account'] },
    });
    const nina = await Person.signIn(gateway.url, {
      username: 'nina',
      password: typed['password of a new account'],
    });
    canaries['cookie of another person'] = nina.cookie.split('=')[1] ?? '';
    const replaced = await api.createCredential({
      body: { name: 'replaced', kind: 'password', username: 'x', secret: typed['password stored and replaced'] },
    });
    await api.updateCredential({
      params: { id: replaced.id },
      body: { name: 'replaced', username: 'x', version: replaced.version, secret: canary('second') },
    });
    // Refused requests hold secrets too: a wrong kind, a wrong field, a wrong passphrase.
    const refused = [
      { name: 'a', kind: 'ask' as const, username: '', secret: typed['password stored and replaced'] },
      { name: 'b', kind: 'private-key' as const, username: '', privateKey: key.privateKey, passphrase: 'not it' },
      { name: 'c\u0007', kind: 'password' as const, username: '', secret: typed['password stored and replaced'] },
    ];
    for (const body of refused) await assert.rejects(api.createCredential({ body }));
    await assert
      .rejects(
        api.importTargets({
          body: {
            format: 'csv',
            text: `name,host,password\nm,h,"${typed['password in an import that failed'].replaceAll('"', '""')}"\n`,
            preview: false,
          },
        }),
      )
      .catch(() => undefined);

    const withKey = await api.createCredential({
      body: { name: 'key', kind: 'private-key', username: sshd.username, privateKey: key.privateKey, passphrase },
    });
    const asking = await api.createCredential({ body: { name: 'ask', kind: 'ask', username: sshd.username } });
    const own = await api.createCredential({ body: { name: 'own', kind: 'login-password', username: sshd.username } });
    const at = { host: sshd.host, port: sshd.port };
    const machines = {
      password: await site.machineOn(sshd, { name: 'by password' }),
      key: await site.machine({ ...at, name: 'by key', credentialId: withKey.id }),
      ask: await site.machine({ ...at, name: 'by asking', credentialId: asking.id }),
      own: await site.machine({ ...at, name: 'by my own password', credentialId: own.id }),
    };
    const open = async (id: string, answers: readonly string[] = []): Promise<Shell> => {
      const shell = await admin.open(id, { answers: answers.map((answer) => [answer]) });
      shells.push(shell);
      return shell;
    };
    const byPassword = await open(machines.password);
    await byPassword.live();
    const hidden = typed['password typed at a prompt of the machine'];
    byPassword.type('read -rsp "Sec""ret: " x; echo; echo "${#x} letters"; ls -lR /etc 2>/dev/null | head -3000\r');
    await byPassword.see('Secret: ');
    byPassword.type(hidden);
    byPassword.type('\r');
    await byPassword.see(`${hidden.length} letters`);
    byPassword.type('echo seen-$((6*7))\r');
    await byPassword.see('seen-42');
    const byKey = await open(machines.key);
    await byKey.live();
    const wrong = await open(machines.ask, [typed['password typed at connect, wrong']]);
    assert.equal((await wrong.ended()).fault?.code, 'CREDENTIAL_REFUSED');
    const right = await open(machines.ask, [sshd.password]);
    await right.live();
    assert.equal((await (await open(machines.own)).ended()).fault?.code, 'CREDENTIAL_REFUSED');

    const asked = await nina.api.askDeviceLogin();
    await nina.api.checkDeviceLogin({ body: { userCode: asked.userCode } });
    places.push(...(await filesOf(gateway.dataDir)).map(({ name, bytes }) => ({ name: `asked ${name}`, bytes })));
    const program = await nina.signInProgram(asked);
    canaries['code of a program'] = asked.deviceCode;
    canaries['code that a person typed'] = asked.userCode;
    canaries['the same without its dash'] = asked.userCode.replace('-', '');
    canaries['cookie of a program'] = program.cookie.split('=')[1] ?? '';

    places.push(...(await filesOf(gateway.dataDir)).map(({ name, bytes }) => ({ name: `live ${name}`, bytes })));
    byPassword.type('exit\r');
    await byPassword.ended();
    await gateway.stop('SIGKILL');
    places.push({ name: 'log', bytes: Buffer.from(gateway.log) }, ...(await filesOf(gateway.dataDir)));

    // Everything that can be read back in clear: recordings, audit, the crash's tail among them.
    await using again = await Gateway.start({
      dataDir: gateway.dataDir,
      config: `${LOOPBACK}log: { level: trace }\n`,
    });
    const reader = await Person.signIn(again.url, ADMIN);
    canaries['cookie of the second day'] = reader.cookie.split('=')[1] ?? '';
    const { items } = await reader.api.listRecordings({ query: {} });
    assert.ok(items.length >= 3, `${items.length} recordings`);
    for (const { id } of items) {
      for (const format of ['text', 'asciicast'] as const)
        await (await reader.api.exportRecording({ params: { id }, query: { format } })).arrayBuffer();
      await (await reader.api.streamRecording({ params: { id }, query: {} })).arrayBuffer();
      await (await reader.api.downloadRecording({ params: { id } })).arrayBuffer();
    }
    for (const format of ['csv', 'jsonl'] as const)
      await (await reader.api.exportAudit({ query: { format } })).arrayBuffer();
    await Promise.all([
      reader.api.listAudit({ query: { limit: 500 } }),
      reader.api.listCredentials(),
      reader.api.listUsers(),
      reader.api.listTargets({ query: {} }),
      reader.api.listSessions({ query: { scope: 'all' } }),
      reader.api.listLogins(),
      reader.api.getSettings(),
      reader.api.getMe(),
    ]);
    places.push({ name: 'second log', bytes: Buffer.from(again.log) });
    places.push(...(await filesOf(again.dataDir)).map(({ name, bytes }) => ({ name: `after ${name}`, bytes })));
    const answers = await mirror.places();
    assert.ok(answers.length > 50, `${answers.length} answers`);
    // Tickets are answered once and are nowhere else, not even in the address of a socket (T04).
    const tickets = answers.flatMap(({ bytes }) =>
      [...bytes.toString().matchAll(/"(?:data|control)":"(?<t>[a-z2-7]{52})"/gu)].map(
        ({ groups }) => groups?.['t'] ?? '',
      ),
    );
    assert.ok(tickets.length >= 10, `${tickets.length} tickets`);
    assert.deepEqual(findCanaries(places, Object.fromEntries(tickets.map((t, index) => [`ticket ${index}`, t]))), []);
    places.push(...answers);
    for (const shell of shells) {
      places.push({ name: `frames of ${shell.sessionId}`, bytes: Buffer.from(JSON.stringify(shell.frames)) });
      places.push({ name: `screen of ${shell.sessionId}`, bytes: Buffer.from(shell.text) });
    }
    // What one looks for must be findable where it may be: the screen is in the exports.
    const shown: Canaries = { 'what was shown': 'seen-42' };
    assert.ok(findCanaries(answers, shown).some((line) => line.includes('export?format=text')));

    const found = findCanaries(places, canaries).filter((line) => !isWhereItBelongs(line));
    assert.deepEqual(found, []);
  } finally {
    for (const shell of shells) await shell.leave();
    await site[Symbol.asyncDispose]();
  }
});

/** The start prints the link of the first start, once, for the person at the terminal. A program is told its codes, once. */
function isWhereItBelongs(line: string): boolean {
  return line.startsWith('log: bootstrap token') || /^answer to POST \S+\/device-logins: (?:code|the same)/u.test(line);
}
