import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  SURFACES,
  checkParameters,
  type EngineContext,
  type EngineSession,
  type Hop,
  type ParameterValue,
  type ProtocolEngine,
  type StreamedSession,
} from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import { systemClock } from './authorized.ts';
export { until } from './until.ts';

/** A real server that an engine is tried against, whatever its sessions are like. */
export interface ServerFixture<Session extends EngineSession | StreamedSession> extends AsyncDisposable {
  readonly engine: ProtocolEngine<Session>;
  /** A hop to the server with a credential that it accepts. */
  hop(): Hop;
  /** A hop to a port where nothing listens. */
  closedPort(): Hop;
  /** Attempts to sign in that the server has seen. */
  attempts(): number;
}

export interface Opened<Session> {
  readonly session: Session;
  /** The steps that were reported and what was asked for, in order. */
  readonly order: readonly string[];
}

/** Opens a session over one hop and writes down what happens on the way. */
export async function openNoting<Session extends EngineSession | StreamedSession>(
  { engine }: ServerFixture<Session>,
  hop: Hop,
  changes: Pick<EngineContext, 'sink'> & Partial<EngineContext>,
): Promise<Opened<Session>> {
  const order: string[] = [];
  const session = await engine.open({
    hops: [
      {
        ...hop,
        credential: () => (order.push('asked for the credential'), hop.credential()),
        verifyHostKey: (key) => (order.push('asked for the host'), hop.verifyHostKey(key)),
      },
    ],
    display: { columns: 80, rows: 24 },
    clock: systemClock,
    signal: new AbortController().signal,
    ask: () => Promise.reject(new Fault('PROMPT_ABANDONED', 'nobody is there')),
    progress: (step) => void order.push(step),
    ...changes,
  });
  return { session, order };
}

/** What every engine does from its description to the end of an opening, whatever its sessions are like. */
export function engineCases<Session extends EngineSession | StreamedSession>(
  fixture: () => ServerFixture<Session>,
  open: (hop: Hop, changes?: Partial<EngineContext>) => Promise<Opened<Session>>,
): void {
  it('describes itself: surface, port, and every parameter in both languages with a default that it accepts', () => {
    const { manifest } = fixture().engine;
    assert.ok(SURFACES.includes(manifest.surface));
    assert.ok(manifest.defaultPort > 0 && manifest.defaultPort < 65_536);
    assert.ok(manifest.credentialKinds.length > 0);
    const defaults: Record<string, ParameterValue> = {};
    for (const field of manifest.parameters) {
      for (const text of [field.label, field.group, ...(field.help === undefined ? [] : [field.help])])
        assert.ok(text.en !== '' && text.de !== '');
      if (field.kind !== 'list' && field.default !== undefined) defaults[field.name] = field.default;
    }
    assert.deepEqual(checkParameters(manifest, defaults), []);
  });

  it('verifies the host before it asks for the credential, and reports its steps in order', async () => {
    const { session, order } = await open(fixture().hop());
    await using _owner = session;
    assert.deepEqual(order.slice(0, 4), ['name', 'route', 'port', 'handshake']);
    if (!fixture().engine.manifest.hostKeys) return;
    const [host, credential] = [order.indexOf('asked for the host'), order.indexOf('asked for the credential')];
    assert.ok(host > 0 && host < credential);
  });

  it('sends no credential to a host whose key was not accepted', async () => {
    if (!fixture().engine.manifest.hostKeys) return;
    const seen = fixture().attempts();
    let asked = false;
    const hop: Hop = {
      ...fixture().hop(),
      credential: () => {
        asked = true;
        return fixture().hop().credential();
      },
      verifyHostKey: () => Promise.reject(new Fault('HOST_KEY_CHANGED', 'the host key differs from the pinned one')),
    };
    await assert.rejects(open(hop), { code: 'HOST_KEY_CHANGED' });
    assert.equal(asked, false);
    assert.equal(fixture().attempts(), seen);
  });

  it('says that a closed port refuses', async () => {
    await assert.rejects(open(fixture().closedPort()), { code: 'TARGET_REFUSED' });
  });

  it('stops opening at once when it is aborted', async () => {
    const controller = new AbortController();
    const abort = (): void => controller.abort(new Fault('SESSION_TERMINATED', 'ended by an administrator'));
    const hop: Hop = {
      ...fixture().hop(),
      verifyHostKey: () => {
        abort();
        return new Promise(() => undefined);
      },
    };
    if (!fixture().engine.manifest.hostKeys) abort();
    await assert.rejects(open(hop, { signal: controller.signal }), { code: 'SESSION_TERMINATED' });
  });

  it('ends with the reason of an abort', async () => {
    const controller = new AbortController();
    const { session } = await open(fixture().hop(), { signal: controller.signal });
    await using _owner = session;
    controller.abort(new Fault('SESSION_REVOKED', 'the grant was withdrawn'));
    const end = await session.ended;
    assert.equal(end.reason, 'terminated');
    assert.ok(isFault(end.fault, 'SESSION_REVOKED'));
  });
}
