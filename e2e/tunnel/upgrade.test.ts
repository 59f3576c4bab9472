import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { Tickets } from '@enchilada/contract';
import type { Person } from '../product/index.ts';
import { Site } from '../tests/site.ts';
import { knock } from './raw-socket.ts';
import type { Knock } from './raw-socket.ts';

const owned = new AsyncDisposableStack();
let site: Site;
let other: Person;
let targetId: string;
let reached = 0;
/** A machine that counts who knocks. */
const target = createServer((socket) => {
  reached += 1;
  socket.destroy();
});

before(async () => {
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  owned.defer(() => void target.close());
  site = owned.use(await Site.start({ config: 'sessions: { perUser: 100 }\n' }));
  targetId = await site.machine({
    host: '127.0.0.1',
    port: (target.address() as AddressInfo).port,
    name: 'counted machine',
  });
  other = await site.person('somebody-else');
  await site.grant(other, targetId, ['connect']);
});
after(() => owned.disposeAsync());

interface Seat {
  readonly sessionId: string;
  readonly tickets: Tickets;
}

async function request(person: Person): Promise<Seat> {
  const { session, tickets } = await person.api.openSession({
    body: { targetId },
  });
  return { sessionId: session.id, tickets };
}

function rightly({ sessionId, tickets }: Seat): Knock {
  return {
    sessionId,
    kind: 'control',
    origins: [site.admin.origin],
    cookie: site.admin.cookie,
    ticket: tickets.control,
  };
}

/** A refused upgrade dials nothing; the last test shows that a rightful one would. */
async function reachesNothing(
  change: (seat: Seat) => Partial<Knock> | Promise<Partial<Knock>>,
  status: number,
): Promise<void> {
  const seen = reached;
  const seat = await request(site.admin);
  const answer = await knock(site.gateway.url, {
    ...rightly(seat),
    ...(await change(seat)),
  });
  assert.equal(answer.status, status);
  assert.equal(reached, seen);
  const record = await site.admin.api.getSession({
    params: { id: seat.sessionId },
  });
  assert.equal(record.state, 'requested');
  assert.equal(record.nodeId, '');
}

test('an upgrade from any origin but the exact one is refused and reaches no machine', async (t) => {
  const { hostname, port } = new URL(site.gateway.url);
  const own = site.admin.origin;
  const variants: Readonly<Record<string, readonly string[]>> = {
    'no Origin': [],
    null: ['null'],
    'a sub-domain': [`http://evil.${hostname}:${port}`],
    'another port': [`http://${hostname}:${Number(port) - 1}`],
    'http and https swapped': [own.replace(/^http:/u, 'https:')],
    'another host': [`http://evil-host:${port}`],
    'a longer beginning': [own.replace('http://', 'http://evil-')],
    'a longer end': [`${own}.evil.example`],
    'a name that looks alike': [Buffer.from(own.replace('o', 'о')).toString('latin1')],
    'a name that looks alike, in punycode': [`http://xn--lcalhost-c8g:${port}`],
    'upper case': [own.toUpperCase()],
    'two Origin headers': [own, own],
    'two Origin headers in one': [`${own}, ${own}`],
  };
  for (const [name, origins] of Object.entries(variants))
    await t.test(name, () => reachesNothing(() => ({ origins }), 403));
});

test('a cookie alone opens nothing', () =>
  reachesNothing(
    ({ sessionId }) => ({
      sessionId,
      kind: 'control',
      origins: [site.admin.origin],
      cookie: site.admin.cookie,
      ticket: 'a'.repeat(52),
    }),
    403,
  ));

test('a cookie without any ticket opens nothing', async () => {
  const { sessionId } = await request(site.admin);
  const seen = reached;
  const answer = await knock(site.gateway.url, {
    sessionId,
    kind: 'control',
    origins: [site.admin.origin],
    cookie: site.admin.cookie,
  });
  assert.equal(answer.status, 403);
  assert.equal(reached, seen);
});

test('a ticket without a cookie opens nothing', () => reachesNothing(() => ({ cookie: 'enchilada=nobody' }), 401));

test("somebody else's ticket opens nothing", () =>
  reachesNothing(async () => ({ ticket: (await request(other)).tickets.control }), 403));

test('a ticket for another session opens nothing', () =>
  reachesNothing(async () => ({ ticket: (await request(site.admin)).tickets.control }), 403));

test('a data ticket does not open a control socket', () =>
  reachesNothing(({ tickets }) => ({ ticket: tickets.data }), 403));

test('a control ticket does not open a data socket', () => reachesNothing(() => ({ kind: 'data' }), 403));

test('a ticket past its thirty seconds opens nothing', () =>
  reachesNothing(({ sessionId }) => {
    // Ages the ticket instead of waiting for it.
    const database = new DatabaseSync(join(site.gateway.dataDir, 'enchilada.db'));
    database.exec('PRAGMA busy_timeout = 5000');
    const { changes } = database
      .prepare('UPDATE ticket SET expires_at = expires_at - 30000 WHERE session_id = ?')
      .run(sessionId);
    database.close();
    assert.equal(changes, 2);
    return {};
  }, 403));

test('a rightful upgrade reaches the machine, and its used ticket opens nothing more', async () => {
  const seat = await request(site.admin);
  const seen = reached;
  const contact = once(target, 'connection');
  const { status, socket } = await knock(site.gateway.url, rightly(seat));
  assert.equal(status, 101);
  await contact;
  assert.equal(reached, seen + 1);
  assert.equal((await knock(site.gateway.url, rightly(seat))).status, 403);
  assert.equal(reached, seen + 1);
  socket?.destroy();
});
