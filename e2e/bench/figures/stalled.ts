import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RecordingStreamDecoder } from '@enchilada/contract';
import type { Shell } from '../../product/index.ts';
import type { Site } from '../../tests/site.ts';
import { startSite, startTarget, Workplace } from '../bench-site.ts';
import type { Experiment } from '../figure.ts';
import { residentKib, settledKib, within } from '../measure.ts';
import { variedLog } from '../varied-log.ts';

const VIEWERS = 20;
const FLOOD_BYTES = 20_000_000;
/** Below the minute after which a stalled viewer is closed. */
const STALL_MS = 15_000;
const LOOK_MS = 100;
const LIMIT_MS = 300_000;

/** Picks what lies between two words out of a stream; the echo of the command holds neither. */
class Payload {
  readonly #hash = createHash('sha256');
  #begun = false;
  #rest = Buffer.alloc(0);
  bytes = 0;
  digest: string | undefined;
  readonly #begin: Buffer;
  readonly #end: Buffer;

  constructor(round: string) {
    this.#begin = Buffer.from(`BEGIN-${round}:`);
    this.#end = Buffer.from(`:END-${round}`);
  }

  push(bytes: Uint8Array): void {
    if (this.digest !== undefined) return;
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (!this.#begun) {
      const at = this.#rest.indexOf(this.#begin);
      if (at === -1) {
        this.#rest = this.#rest.subarray(-this.#begin.length);
        return;
      }
      this.#begun = true;
      this.#rest = this.#rest.subarray(at + this.#begin.length);
    }
    const end = this.#rest.indexOf(this.#end);
    const sure = this.#rest.subarray(0, end === -1 ? Math.max(0, this.#rest.length - this.#end.length) : end);
    this.#hash.update(sure);
    this.bytes += sure.length;
    this.#rest = this.#rest.subarray(sure.length);
    if (end !== -1) this.digest = this.#hash.digest('hex');
  }
}

/** The terminal passes the bytes as they are, between two words. */
function flood(shell: Shell, file: string, round: string): void {
  shell.type(`stty -opost; printf 'BEGIN-%s:' ${round}; cat ${file}; printf ':END-%s' ${round}\r`);
}

function watch(shell: Shell, round: string): Payload {
  const payload = new Payload(round);
  shell.onBytes = (bytes) => {
    payload.push(bytes);
  };
  return payload;
}

function whole(shell: Shell, payload: Payload): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  return (async () => {
    while (payload.digest === undefined) {
      if (Date.now() > deadline || shell.data.readyState > 1) {
        const last = shell.frames.filter((frame) => frame.type === 'ended' || frame.type === 'notice');
        throw new Error(
          `a viewer was shown ${payload.bytes} bytes of ${FLOOD_BYTES} and no more: ${JSON.stringify(last)}`,
        );
      }
      await sleep(LOOK_MS);
    }
  })();
}

/** A session is over before the last of its recording has reached the store. */
async function recordedDigest(site: Site, shell: Shell, round: string): Promise<string | undefined> {
  const { api } = site.admin;
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(LOOK_MS)) {
    const session = await api.getSession({ params: { id: shell.sessionId } });
    if (session.state !== 'ended' || session.recordingId === undefined) continue;
    const response = await api.streamRecording({ params: { id: session.recordingId }, query: {} });
    const decoder = new RecordingStreamDecoder();
    const payload = new Payload(round);
    for await (const bytes of response.body ?? [])
      for (const { event } of decoder.push(bytes)) if (event.kind === 'output') payload.push(event.bytes);
    if (decoder.complete && payload.digest !== undefined) return payload.digest;
  }
  return undefined;
}

export const stalled: Experiment = {
  figures: ['stalled-viewer-mib'],
  async run(_wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const sshd = owned.use(await startTarget());
    const site = owned.use(await startSite(place));
    const targetId = await site.machineOn(sshd);
    const content = variedLog(FLOOD_BYTES);
    const file = await place.file('varied.log', content);
    const sent = createHash('sha256').update(content).digest('hex');
    const shells: Shell[] = [];
    for (let count = 0; count < VIEWERS; count += 1) {
      const shell = await site.admin.open(targetId);
      await shell.see('$ ');
      shells.push(shell);
    }
    owned.defer(() => {
      if (site.gateway.log.includes('"level":"error"')) say(site.gateway.log.slice(-4_000));
    });
    const { pid } = site.gateway;
    const quiet = await residentKib(pid);
    const warm = shells.map((shell) => whole(shell, watch(shell, 'warm')));
    for (const shell of shells) flood(shell, file, 'warm');
    await within(LIMIT_MS, 'the warm-up flood', Promise.all(warm));
    const base = await settledKib(pid, 90_000);

    const payloads = shells.map((shell) => watch(shell, 'cold'));
    const resident: number[] = [];
    for (const shell of shells) {
      shell.data.pause();
      flood(shell, file, 'cold');
    }
    for (const end = Date.now() + STALL_MS; Date.now() < end; await sleep(LOOK_MS))
      resident.push(await residentKib(pid));
    const early = payloads.reduce((sum, { bytes }) => sum + bytes, 0);
    const since = Date.now();
    for (const shell of shells) shell.data.resume();
    await within(
      LIMIT_MS,
      'what was held back',
      Promise.all(shells.map((shell, index) => whole(shell, payloads[index] as Payload))),
    );
    const peak = Math.max(...resident);
    say(
      `resident: ${(quiet / 1024).toFixed(0)} MiB before any flood, ${(base / 1024).toFixed(0)} MiB after the warm-up, at most ${(peak / 1024).toFixed(0)} MiB while stalled; the rest came in ${((Date.now() - since) / 1_000).toFixed(1)} s`,
    );
    for (const shell of shells) await shell[Symbol.asyncDispose]();
    const digests: { readonly shown: string; readonly recorded: string }[] = [];
    for (const [index, shell] of shells.entries()) {
      const recorded = (await recordedDigest(site, shell, 'cold')) ?? 'none';
      digests.push({ shown: payloads[index]?.digest ?? 'none', recorded });
    }
    const equal = digests.filter(({ shown, recorded }) => shown === sent && recorded === sent).length;
    return [
      {
        id: 'stalled-viewer-mib',
        value: (peak - base) / 1_024 / VIEWERS,
        alsoHolds: equal === VIEWERS && early === 0,
        how: `${VIEWERS} viewers stop reading at once while their targets send ${FLOOD_BYTES / 1e6} MB each (400 MB together), TLS, strict recording: highest resident memory in ${STALL_MS / 1_000} s less that after a warm-up flood of the same size, by the number of viewers (${(quiet / 1024).toFixed(0)} MiB before any flood, ${(base / 1024).toFixed(0)} after the warm-up); then all read on, and in ${equal} of ${VIEWERS} SHA-256 of sent = shown = recorded`,
        samples: { ours: resident, quietKib: quiet, baseKib: base, sha256: sent, digests },
      },
    ];
  },
};
