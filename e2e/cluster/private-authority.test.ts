import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { issueCertificate } from '@enchilada/core/testing/servers/database-server';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Gateway } from '../fixtures/gateway.ts';
import type { Person, Shell } from '../product/index.ts';
import { startSshd } from '../tests/site.ts';
import { personWithMachine } from './people.ts';
import { TwoNodes } from './two-nodes.ts';
import type { NodeTls } from './two-nodes.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let folder: string;
let own: Required<NodeTls>;

before(async () => {
  sshd = owned.use(await startSshd());
  folder = await mkdtemp(join(tmpdir(), 'enchilada-authority-'));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const { certificate, key, ca } = await issueCertificate('localhost');
  own = { cert: await kept('cert.pem', certificate), key: await kept('key.pem', key), ca: await kept('ca.pem', ca) };
  // People's browsers know the authority; whether the nodes do is the question.
  setDefaultCACertificates([...getCACertificates('default'), ca]);
});
after(() => owned.disposeAsync());

async function kept(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

/** A session that node A holds, and its person at node B. */
async function heldByTheOther(both: TwoNodes, name: string): Promise<{ first: Shell; atB: Person }> {
  const { person, targetId } = await personWithMachine(await both.bootstrap(), sshd, name);
  const first = await person.open(targetId);
  await first.live();
  first.type('echo it-$((1000+1))-works\r');
  await first.see('it-1001-works');
  await first.leave();
  return { first, atB: person.at(both.b.url) };
}

test('nodes behind an authority of their own pass viewers on to each other', async () => {
  await using both = await TwoNodes.start({ tls: own });
  const { first, atB } = await heldByTheOther(both, 'nora');
  await using second = await atB.join(first.sessionId, 'control');
  await second.see('it-1001-works');
  second.type('echo and-$((1000+2))-there\r');
  await second.see('and-1002-there');
  assert.equal((await atB.api.getSession({ params: { id: first.sessionId } })).nodeId, 'node-a');
});

test('a node that does not know the authority of another passes nobody on to it, and says so', async () => {
  const foreign = await kept('foreign.pem', (await issueCertificate('localhost')).ca);
  for (const tls of [
    { ...own, ca: foreign },
    { cert: own.cert, key: own.key },
  ]) {
    await using both = await TwoNodes.start({ tls });
    const { first, atB } = await heldByTheOther(both, 'nils');
    const second = await atB.join(first.sessionId, 'control');
    assert.equal((await second.ended()).reason, 'SESSION_ELSEWHERE');
    await second.leave();
  }
});

test('a file that holds no authority stops the start', async () => {
  const none = await kept('none.pem', 'not a certificate\n');
  const config = (ca: string): string => `node: { ca: "${ca}" }\n`;
  await assert.rejects(Gateway.start({ config: config(none) }), /node\.ca holds no certificate/u);
  await assert.rejects(Gateway.start({ config: config(join(folder, 'absent.pem')) }), /node\.ca cannot be read/u);
});
