import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTelnetd, type Telnetd } from '@enchilada/core/testing/servers/telnetd';
import { until } from '@enchilada/core/testing/until';
import { openTelnet, password, telnetHop, type Opened } from './testing.ts';

describe('a session on a real telnetd', () => {
  let telnetd: Telnetd;
  before(async () => {
    telnetd = await startTelnetd();
  });
  after(() => telnetd[Symbol.asyncDispose]());

  const open = (parameters = {}): Promise<Opened> =>
    openTelnet(telnetHop(telnetd, password(telnetd.username, telnetd.password), parameters));
  const run = async (client: Opened, command: string, until_: string): Promise<void> => {
    client.session.input(Buffer.from(`${command}\r`));
    await until(() => client.text().includes(until_));
  };

  it('tells size, terminal type and environment, and follows a resize', async () => {
    await using client = await open({ terminalType: 'vt220', environment: ['ENCHILADA_TEST=gr\u00fcn'] });
    await run(client, 'stty size; echo "<$TERM>" "<$ENCHILADA_TEST>"', '<vt220> <gr\u00fcn>');
    assert.match(client.text(), /33 91/u);
    client.session.control({ type: 'resize', columns: 256, rows: 511 });
    await run(client, 'stty size', '511 256');
    assert.equal(client.session.facts['encryption'], 'none');
    assert.match(client.session.facts['options'] ?? '', /ECHO.*NAWS/u);
  });

  it('types every character of UTF-8, and 0xff, as it is', async () => {
    await using client = await open();
    await run(client, "echo 'größe-日本-✓' | od -An -tx1 | tr -d ' \\n'", '6772c3b6c39f652de697a5e69cac2de29c93');
    // Without a line editor between us and the program.
    client.session.input(Buffer.from('head -c 1 | od -An -tx1; echo over-$((1+1))\r'));
    await until(() => client.text().includes('od -An -tx1; echo'));
    client.session.input(Buffer.from([0xff, 13]));
    await until(() => client.text().includes('over-2'));
    assert.match(client.text(), /\bff\r?\n/u);
  });

  it('hands over 0xff in output once', async () => {
    const shown: Buffer[] = [];
    await using client = await openTelnet(telnetHop(telnetd, password(telnetd.username, telnetd.password)), {}, shown);
    await run(client, "printf 'a\\377\\377\\377b'; echo; echo over-$((2+2))", 'over-4');
    assert.ok(Buffer.concat(shown).includes(Buffer.from([0x61, 0xff, 0xff, 0xff, 0x62])));
  });

  it('shows the log-in, and never the password', async () => {
    await using client = await open();
    await run(client, 'echo in-$((40+2))', 'in-42');
    assert.ok(client.text().includes(`login: ${telnetd.username}`));
    assert.ok(!client.text().includes(telnetd.password));
    assert.deepEqual(client.steps.slice(-3), ['handshake', 'credential', 'shell']);
  });

  it('says that a credential was refused', async () => {
    const wrong = telnetHop(telnetd, password(telnetd.username, 'wrong'));
    await assert.rejects(openTelnet(wrong), { code: 'CREDENTIAL_REFUSED' });
  });

  it('leaves the log-in to the person where that is wanted, and asks for no credential', async () => {
    const none = (): Promise<never> => Promise.reject(new Error('asked for'));
    await using client = await openTelnet(telnetHop(telnetd, none, { login: 'none' }));
    await until(() => client.text().includes('login: '));
    client.session.input(Buffer.from(`${telnetd.username}\r`));
    await until(() => client.text().includes('Password: '));
    client.session.input(Buffer.from(`${telnetd.password}\r`));
    await until(() => client.text().includes('$ '));
    await run(client, 'echo by-hand-$((3+3))', 'by-hand-6');
    assert.ok(!client.text().includes(telnetd.password));
  });
});
