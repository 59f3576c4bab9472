import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '@enchilada/core/credential';
import { type Fault, isFault } from '@enchilada/core/fault';
import type { Notification } from '@enchilada/core/notification';
import { systemClock as clock } from '@enchilada/core/testing/authorized';
import { closedPort } from '@enchilada/core/testing/free-port';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';
import { SMTPServer } from 'smtp-server';
import { email } from './email/index.ts';
import { slack } from './slack/index.ts';
import { teams } from './teams/index.ts';
import { webhook } from './webhook/index.ts';

const egress = { allowLoopback: true, allow: [], deny: [], allowOwnServices: false };
const { signal } = new AbortController();
const KEY = 'a key that both know';
const NEWS: Notification = {
  id: 'ntf_1',
  event: 'request.asked',
  at: 1_800_000_000_000,
  title: 'ann asks for access to <!channel> @everyone [db](https://evil.example)',
  facts: [{ name: 'Why', value: 'Wartung & "mehr" @here <at>you</at> {{DATE(2026-01-01)}}\n' }],
  link: 'https://bastion.example/requests?show=req_1',
  loud: true,
};

async function failureOf(delivery: Promise<void>): Promise<Fault> {
  return delivery.then(
    () => assert.fail('it was delivered'),
    (failure: unknown) => (isFault(failure, 'NOTIFICATION_FAILED') ? failure : assert.fail(String(failure))),
  );
}

describe('notifiers', () => {
  const certificate = new LoopbackCertificate();
  let server: Server;
  let status = 200;
  const received: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  const last = () => received.at(-1) ?? assert.fail('nothing came');
  before(async () => {
    certificate.trust();
    server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      request.on('end', () => {
        received.push({ headers: request.headers, body });
        response.writeHead(status, { location: 'https://127.0.0.1:1/' }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => {
    server.closeAllConnections();
    server.close();
    certificate[Symbol.dispose]();
  });
  const url = (): string => `https://127.0.0.1:${(server.address() as AddressInfo).port}/hook/secret-path`;

  it('a webhook is signed over time and body, and names what is repeated', async () => {
    status = 204;
    const notifier = webhook({ egress, clock }).open({ parameters: { url: url() }, secret: new Secret(KEY) });
    await notifier.deliver(NEWS, signal);
    const { headers, body } = last();
    assert.deepEqual(JSON.parse(body), NEWS);
    assert.deepEqual([headers['x-enchilada-event'], headers['x-enchilada-delivery']], [NEWS.event, NEWS.id]);
    const [, seconds = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/u.exec(String(headers['x-enchilada-signature'])) ?? [];
    assert.equal(createHmac('sha256', KEY).update(`${seconds}.${body}`).digest('hex'), mac);
  });

  it('what fails is told by host and status, never by the path; redirects and forbidden addresses are no way', async () => {
    const open = (how: typeof egress) => slack({ egress: how }).open({ parameters: {}, secret: new Secret(url()) });
    const reasons = { 302: 'redirected', 400: 'refused', 404: 'refused', 429: 'throttled', 500: 'receiver-failed' };
    const { host } = new URL(url());
    for (const [answer, reason] of Object.entries(reasons)) {
      status = Number(answer);
      const fault = await failureOf(open(egress).deliver(NEWS, signal));
      assert.deepEqual(fault.facts, { reason, host, status });
      assert.ok(fault.message.endsWith(`answered ${status}`) && !inspect(fault).includes('secret-path'));
    }
    const count = received.length;
    const literal = await failureOf(open({ ...egress, allowLoopback: false }).deliver(NEWS, signal));
    assert.match(literal.message, /loopback/u);
    assert.deepEqual(literal.facts, { reason: 'address-forbidden', host: '127.0.0.1' });
    const named = slack({ egress: { ...egress, allowLoopback: false } }).open({
      ...{ parameters: {}, secret: new Secret(url().replace('127.0.0.1', 'localhost')) },
    });
    const behind = await failureOf(named.deliver(NEWS, signal));
    assert.match(behind.message, /loopback/u);
    assert.deepEqual(behind.facts, { reason: 'address-forbidden', host: host.replace('127.0.0.1', 'localhost') });
    assert.equal(received.length, count);
    assert.throws(() => slack({ egress }).open({ parameters: {}, secret: new Secret('http://x') }));
    assert.throws(() => webhook({ egress, clock }).open({ parameters: { url: url() }, secret: new Secret('short') }));
  });

  it('what answers nothing is told apart: no name, nobody there, no certificate that is trusted', async () => {
    const reasonAt = async (address: string) =>
      (
        await failureOf(
          slack({ egress })
            .open({ parameters: {}, secret: new Secret(address) })
            .deliver(NEWS, signal),
        )
      ).facts['reason'];
    const stranger = new LoopbackCertificate();
    const untrusted = createServer({ cert: stranger.cert, key: stranger.key });
    await new Promise<void>((resolve) => untrusted.listen(0, '127.0.0.1', resolve));
    assert.equal(await reasonAt(`https://127.0.0.1:${(untrusted.address() as AddressInfo).port}/`), 'tls-failed');
    untrusted.closeAllConnections();
    await new Promise<void>((resolve) => untrusted.close(() => resolve()));
    assert.equal(await reasonAt(`https://127.0.0.1:${await closedPort()}/`), 'unreachable');
    // RFC 6761, 6.4: no such name exists anywhere.
    assert.equal(await reasonAt('https://nowhere.invalid/'), 'name-unknown');
    stranger[Symbol.dispose]();
  });

  it('Slack’s text mentions nobody, and the card of Teams links nowhere but here', async () => {
    status = 200;
    const secret = new Secret(url());
    await slack({ egress }).open({ parameters: {}, secret }).deliver(NEWS, signal);
    const message = JSON.parse(last().body) as { text: string; blocks: object[] };
    assert.ok(message.text.includes('&lt;!channel&gt;') && !message.text.includes('<!'));
    assert.equal(message.blocks.length, 3);
    // Mattermost, Rocket.Chat and Discord take the same payload, and read `@` and Markdown in all of it.
    const words = JSON.stringify([message.text, message.blocks.slice(0, 2)]);
    assert.doesNotMatch(words, /@\w|\w:\/\/|\]\(/u);
    await teams({ egress }).open({ parameters: {}, secret }).deliver(NEWS, signal);
    const card = JSON.parse(last().body) as {
      attachments: { content: { body: { text: string }[]; actions: { url: string }[] } }[];
    };
    const content = card.attachments[0]?.content;
    assert.ok(content?.body[0]?.text.includes('\\[db\\]\\(https'));
    assert.doesNotMatch(JSON.stringify(content?.body), /@\w|\w:\/\/|[^\\]<|\{\{/u);
    assert.deepEqual(
      content?.actions.map((action) => action.url),
      [NEWS.link],
    );
  });

  it('e-mail goes over STARTTLS with the password, or not at all', async () => {
    const mails: { from: string; to: readonly string[]; text: string; user: string | undefined; secure: boolean }[] =
      [];
    const mailServer = (options: object) =>
      new SMTPServer({
        ...{ cert: certificate.cert, key: certificate.key, disableReverseLookup: true, logger: false },
        onAuth: ({ username, password }, _session, done) =>
          password === KEY ? done(null, { user: username }) : done(new Error('wrong')),
        onData: (stream, session, done) => {
          let text = '';
          stream.setEncoding('utf8').on('data', (piece: string) => (text += piece));
          stream.on('end', () => {
            const { mailFrom, rcptTo } = session.envelope;
            const from = mailFrom === false ? '' : mailFrom.address;
            mails.push({
              from,
              to: rcptTo.map(({ address }) => address),
              text,
              user: session.user as string | undefined,
              secure: session.secure,
            });
            done();
          });
        },
        ...options,
      });
    await using stack = new AsyncDisposableStack();
    const start = async (options: object) => {
      const smtp = mailServer(options);
      stack.defer(() => new Promise<void>((resolve) => smtp.close(resolve)));
      smtp.on('error', () => undefined);
      await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
      return { port: (smtp.server.address() as AddressInfo).port };
    };
    const common = { host: '127.0.0.1', from: 'bastion@example.org', to: ['a@example.org', 'b@example.org'] };
    const { port } = await start({});
    const parameters = { ...common, port, encryption: 'starttls', username: 'bastion' };
    await email({ egress })
      .open({ parameters, secret: new Secret(KEY) })
      .deliver(NEWS, signal);
    const [mail] = mails;
    assert.deepEqual([mail?.from, mail?.to, mail?.user, mail?.secure], [common.from, common.to, 'bastion', true]);
    assert.match(mail?.text ?? '', /Subject: \[!\] ann asks/u);
    assert.match(mail?.text ?? '', /requests\?show=(?:3D)?req_1/u);
    const failing = (fields: object, key = KEY, how = egress) =>
      failureOf(
        email({ egress: how })
          .open({ parameters: { ...parameters, ...fields }, secret: new Secret(key) })
          .deliver(NEWS, signal),
      );
    const wrong = await failing({}, 'wrong');
    assert.deepEqual(wrong.facts, { reason: 'sign-in-refused', host: '127.0.0.1', status: 535 });
    assert.ok(wrong.message.includes('535') && !inspect(wrong).includes('wrong'));
    const forbidden = { ...egress, allowLoopback: false };
    assert.equal((await failing({}, KEY, forbidden)).facts['reason'], 'address-forbidden');
    assert.equal((await failing({ host: 'localhost' }, KEY, forbidden)).facts['reason'], 'address-forbidden');
    const plain = await start({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
    assert.equal((await failing({ port: plain.port })).facts['reason'], 'tls-failed');
    const full = await start({
      onRcptTo: (_address: object, _session: object, done: (failure: Error) => void) =>
        done(Object.assign(new Error('no such mailbox'), { responseCode: 550 })),
    });
    assert.deepEqual((await failing({ port: full.port })).facts, {
      ...{ reason: 'mail-refused', host: '127.0.0.1', status: 550 },
    });
    assert.equal(mails.length, 1);
    assert.throws(() =>
      email({ egress }).open({ parameters: { ...parameters, encryption: 'none' }, secret: new Secret(KEY) }),
    );
  });
});
