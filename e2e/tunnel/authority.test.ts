import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { Tickets } from '@enchilada/contract';
import { isFault } from '@enchilada/core/fault';
import type { Person, Shell } from '../product/index.ts';
import { Site, startSshd } from '../tests/site.ts';
import { knock } from './raw-socket.ts';
import type { RawSocket } from './raw-socket.ts';

/**
 * T13 for the sockets: who × whose session × how × which socket, against the two tables below, which a person reviews.
 * `asked` is what the API answers to a request for tickets; `stolen` what the upgrade answers to the owner's own unused ticket.
 */
const WHO = ['anonymous', 'owner', 'granted', 'watcher', 'ungranted', 'auditor', 'administrator'] as const;
type Who = (typeof WHO)[number];
type Mode = Tickets['mode'];

const ASKED: Readonly<Record<Who, Readonly<Record<Mode, string>>>> = {
  anonymous: { control: 'UNAUTHENTICATED', watch: 'UNAUTHENTICATED' },
  owner: { control: 'tickets', watch: 'tickets' },
  granted: { control: 'NOT_FOUND', watch: 'NOT_FOUND' },
  watcher: { control: 'NOT_FOUND', watch: 'tickets' },
  ungranted: { control: 'NOT_FOUND', watch: 'NOT_FOUND' },
  auditor: { control: 'FORBIDDEN', watch: 'FORBIDDEN' },
  administrator: { control: 'NOT_FOUND', watch: 'NOT_FOUND' },
};
const STOLEN: Readonly<Record<Who, number>> = {
  anonymous: 401,
  owner: 101,
  granted: 403,
  watcher: 403,
  ungranted: 403,
  auditor: 403,
  administrator: 403,
};

const owned = new AsyncDisposableStack();
let site: Site;
let live: Shell;
let targetId: string;
const people = new Map<Who, Person>();

before(async () => {
  const sshd = owned.use(await startSshd());
  site = owned.use(await Site.start({ config: 'sessions: { perUser: 100 }\n' }));
  targetId = await site.machineOn(sshd);
  people.set('owner', await site.person('olga'));
  people.set('granted', await site.person('greta'));
  people.set('watcher', await site.person('walter'));
  people.set('ungranted', await site.person('udo'));
  people.set('auditor', await site.person('otto', 'auditor'));
  people.set('administrator', await site.person('adele', 'administrator'));
  await site.grant(person('owner'), targetId, ['connect']);
  await site.grant(person('granted'), targetId, ['connect']);
  await site.grant(person('watcher'), targetId, ['watch']);
  live = owned.use(await person('owner').open(targetId));
  await live.live();
});
after(() => owned.disposeAsync());

function person(who: Who): Person {
  // The administrator of the site's bootstrap stands in for nobody here: adele has no grant at all.
  const found = people.get(who) ?? site.admin.at(site.gateway.url);
  if (who === 'anonymous') found.cookie = '';
  return found;
}

async function asked(who: Who, sessionId: string, mode: Mode): Promise<Tickets | string> {
  try {
    return await person(who).api.issueTickets({ params: { id: sessionId }, body: { mode } });
  } catch (failure) {
    assert.ok(isFault(failure) || failure instanceof Error);
    return String((failure as { readonly code?: unknown }).code);
  }
}

async function upgrade(
  who: Who,
  seat: { readonly sessionId: string; readonly kind: 'control' | 'data'; readonly ticket: string },
): Promise<{ readonly status: number; readonly socket?: RawSocket }> {
  const { cookie } = person(who);
  return knock(site.gateway.url, { ...seat, origins: [site.admin.origin], ...(cookie === '' ? {} : { cookie }) });
}

for (const who of WHO) {
  for (const mode of ['control', 'watch'] as const) {
    test(`${who}: tickets to ${mode} somebody's session, and one that does not exist`, async () => {
      const answer = await asked(who, live.sessionId, mode);
      if (ASKED[who][mode] === 'tickets') assert.equal(typeof answer, 'object');
      else assert.equal(answer, ASKED[who][mode]);
      // Unknown and forbidden are one answer; only somebody who may have the session is told more.
      const missing = await asked(who, 'ses_missing', mode);
      assert.equal(missing, ASKED[who][mode] === 'tickets' ? 'NOT_FOUND' : ASKED[who][mode]);
    });
    for (const kind of ['control', 'data'] as const) {
      test(`${who}: the owner's own ticket to ${mode}, on the ${kind} socket`, async () => {
        const tickets = await asked('owner', live.sessionId, mode);
        assert.ok(typeof tickets === 'object');
        const { status, socket } = await upgrade(who, { sessionId: live.sessionId, kind, ticket: tickets[kind] });
        assert.equal(status, STOLEN[who]);
        socket?.destroy();
      });
    }
  }
}

test('a right that was withdrawn between ticket and upgrade opens nothing', async () => {
  const rita = await site.person('rita');
  const grantId = await site.grant(rita, targetId, ['watch']);
  const tickets = await rita.api.issueTickets({ params: { id: live.sessionId }, body: { mode: 'watch' } });
  await site.admin.api.deleteGrant({ params: { id: grantId } });
  const { socket } = await knock(site.gateway.url, {
    sessionId: live.sessionId,
    kind: 'control',
    origins: [site.admin.origin],
    cookie: rita.cookie,
    ticket: tickets.control,
  });
  // The upgrade is answered by the login and the ticket; the right is asked for anew before anything is shown.
  await socket?.received('"reason":"NOT_FOUND"');
  socket?.destroy();
});

test('a watcher who comes first opens nothing, neither with their own authority nor with anybody else’s', async () => {
  let reached = 0;
  const machine = createServer((socket) => {
    reached += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(machine, 'listening');
  owned.defer(() => void machine.close());
  const counted = await site.machine({
    host: '127.0.0.1',
    port: (machine.address() as AddressInfo).port,
    name: 'counted machine',
  });
  await site.grant(person('owner'), counted, ['connect']);
  await site.grant(person('watcher'), counted, ['watch']);
  const { session } = await person('owner').api.openSession({ body: { targetId: counted } });
  for (const who of ['watcher', 'owner'] as const) {
    const tickets = await asked(who, session.id, 'watch');
    assert.ok(typeof tickets === 'object');
    const { socket } = await upgrade(who, { sessionId: session.id, kind: 'control', ticket: tickets.control });
    await socket?.received('"reason":"CONFLICT"');
    socket?.destroy();
  }
  assert.equal(reached, 0);
  const record = await person('owner').api.getSession({ params: { id: session.id } });
  assert.deepEqual([record.state, record.nodeId], ['requested', '']);
});

test('a watcher who signs out sees no more, and the session goes on', async () => {
  await using shell = await person('owner').open(targetId);
  await shell.live();
  const watching = await person('watcher').join(shell.sessionId, 'watch');
  await person('watcher').api.logout();
  assert.equal((await watching.ended()).reason, 'SESSION_REVOKED');
  await watching.leave();
  shell.type('echo on-$((1+1))-and-on\r');
  await shell.see('on-2-and-on');
  assert.ok(!watching.text.includes('on-2-and-on'));
});
