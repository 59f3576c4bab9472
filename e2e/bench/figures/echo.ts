import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { ADMIN } from '../../tests/site.ts';
import type { Site } from '../../tests/site.ts';
import { Person } from '../../product/index.ts';
import { connectBare } from '../bare-shell.ts';
import { startSite, startTarget, Workplace } from '../bench-site.ts';
import type { Experiment, FigureId, Measured } from '../figure.ts';
import { percentile, rounded, within } from '../measure.ts';

const KEYS = 5_000;
const WARM_UP = 500;
const SIGN_IN_EVERY_MS = 200;
const P99_ADDED_MS = 5;
/** The target sends every byte straight back, and the terminal in between does nothing to it. */
const RAW_ECHO = 'stty raw -echo; printf READY; exec cat\r';

interface Typist {
  send(byte: number): void;
  /** Replaces the one listener. */
  hear(listener: (bytes: Uint8Array) => void): void;
}

async function makeReady(typist: Typist, say: (text: string) => void): Promise<void> {
  let seen = '';
  const holds = (end: RegExp): Promise<void> =>
    within(
      20_000,
      `the output ${String(end)}`,
      new Promise((resolve) => {
        typist.hear((bytes) => {
          seen += Buffer.from(bytes).toString('latin1');
          if (end.test(seen)) resolve();
        });
        if (end.test(seen)) resolve();
      }),
    );
  say('\r');
  await holds(/\$ /u);
  say(RAW_ECHO);
  await holds(/READY$/u);
}

/** Milliseconds from one key to its echo. */
function keystroke(typist: Typist, key: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const since = performance.now();
  typist.hear((bytes) => {
    if (bytes.includes(key)) resolve(performance.now() - since);
  });
  typist.send(key);
  return promise;
}

interface Delays {
  readonly ours: number[];
  readonly other: number[];
}

async function interleaved(ours: Typist, other: Typist, keys: number): Promise<Delays> {
  const delays: Delays = { ours: [], other: [] };
  for (let count = 0; count < keys; count += 1) {
    const key = 0x61 + (count % 26);
    // Who goes first changes, so that neither always finds the machine warm.
    const turns =
      count % 2 === 0
        ? ([
            [ours, delays.ours],
            [other, delays.other],
          ] as const)
        : ([
            [other, delays.other],
            [ours, delays.ours],
          ] as const);
    for (const [typist, list] of turns) list.push(await within(10_000, 'an echo', keystroke(typist, key)));
  }
  return delays;
}

interface SignIns {
  readonly succeeded: number;
  readonly failed: number;
}

/** Five people a second sign in with the right password until told to stop. */
function signIns(site: Site, say: (words: string) => void): { stop(): Promise<SignIns> } {
  const counts = { succeeded: 0, failed: 0 };
  const running = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const attempt = Person.signIn(site.gateway.url, ADMIN).then(
      () => void (counts.succeeded += 1),
      (failure: unknown) => {
        counts.failed += 1;
        say(`a sign-in failed: ${inspect(failure)}`);
      },
    );
    running.add(attempt);
    void attempt.finally(() => running.delete(attempt));
  }, SIGN_IN_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(running);
      return counts;
    },
  };
}

const [QUIET, UNDER_LOGIN] = ['ssh-echo-added-ms', 'ssh-echo-added-ms-under-login'] as const;

function figureOf(id: FigureId, { ours, other }: Delays, under: string): Measured {
  const [p50, p99] = [0.5, 0.99].map((rank) => percentile(ours, rank) - percentile(other, rank)) as [number, number];
  const ranks = (values: readonly number[]): readonly number[] =>
    rounded([0.5, 0.99].map((rank) => percentile(values, rank)));
  return {
    id,
    value: p50,
    alsoHolds: p99 <= P99_ADDED_MS,
    how: `milliseconds from key to echo through the gateway (TLS, strict recording) less those of a bare ssh2 client, ${ours.length} keys each, by turns${under}; added p50 ${p50.toFixed(2)}, added p99 ${p99.toFixed(2)} (at most ${P99_ADDED_MS})`,
    samples: {
      p50: p50,
      p99: p99,
      ranks: { ours: ranks(ours), other: ranks(other) },
      ours: rounded(ours),
      other: rounded(other),
    },
  };
}

export const echo: Experiment = {
  figures: [QUIET, UNDER_LOGIN],
  async run(wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const sshd = owned.use(await startTarget());
    const site = owned.use(await startSite(place, 'strict', process.env['BENCH_PROFILE']));
    const shell = owned.use(await site.admin.open(await site.machineOn(sshd)));
    const bare = await connectBare(sshd);
    owned.defer(() => void bare.client.end());
    let heard: (bytes: Buffer) => void = () => undefined;
    bare.channel.on('data', (bytes: Buffer) => heard(bytes));
    const ours: Typist = {
      send: (key) => shell.data.send(Buffer.of(key)),
      hear: (listener) => (shell.onBytes = listener),
    };
    const other: Typist = {
      send: (key) => void bare.channel.write(Buffer.of(key)),
      hear: (listener) => (heard = listener),
    };
    await makeReady(ours, (text) => shell.type(text));
    await makeReady(other, (text) => void bare.channel.write(text));
    await interleaved(ours, other, WARM_UP);
    const found: Measured[] = [];
    if (wanted.has(QUIET)) found.push(figureOf(QUIET, await interleaved(ours, other, KEYS), ''));
    if (wanted.has(UNDER_LOGIN)) {
      // An administrator must have a second factor: the first to sign in enrols it, and only one at a time can.
      await Person.signIn(site.gateway.url, ADMIN);
      const people = signIns(site, say);
      const since = Date.now();
      await sleep(1_000);
      const delays = await interleaved(ours, other, KEYS);
      const counts = await people.stop();
      const rate = (counts.succeeded / ((Date.now() - since) / 1_000)).toFixed(1);
      say(`sign-ins: ${counts.succeeded} succeeded, ${counts.failed} failed`);
      const measured = figureOf(
        UNDER_LOGIN,
        delays,
        `, while five people a second sign in (${rate} a second were let in)`,
      );
      found.push({
        ...measured,
        alsoHolds: measured.alsoHolds === true && counts.failed === 0 && counts.succeeded > 0,
        samples: { ...measured.samples, signIns: counts },
      });
    }
    return found;
  },
};
