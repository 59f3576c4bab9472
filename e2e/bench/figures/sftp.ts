import { spawn } from 'node:child_process';
import { randomBytes, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, open, rm, stat } from 'node:fs/promises';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { routeUrl } from '@enchilada/contract';
import { generateKey, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { startSite, startTarget, Workplace } from '../bench-site.ts';
import { plainRequest } from '../plain-request.ts';
import type { Experiment, FigureId } from '../figure.ts';
import { cpuSeconds, median, residentKib } from '../measure.ts';

const MEGABYTES = Number(process.env['BENCH_FILE_MB'] ?? '1000');
const ROUNDS = 3;
const PIECE_BYTES = 8 * 1024 * 1024;
const DOWN = 'sftp-download-vs-openssh';
const UP = 'sftp-upload-vs-openssh';

type Client = Parameters<typeof plainRequest>[0] & { readonly cert: string };

const raw = (path: string): string => Buffer.from(path).toString('base64url');
const transferId = (): string =>
  String.fromCharCode(...randomBytes(26).map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'.charCodeAt(byte & 31)));

/** Runs a program that is told the lines on its standard input. */
async function finished(program: string, parameters: readonly string[], lines: readonly string[]): Promise<void> {
  const child = spawn(program, parameters, { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}`);
}

async function makeFile(path: string): Promise<void> {
  await using file = await open(path, 'w', 0o644);
  const block = Buffer.alloc(1_000_000);
  for (let at = 0; at < MEGABYTES; at += 1) await file.write(randomFillSync(block));
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const since = performance.now();
  await work();
  return (performance.now() - since) / 1000;
}

/** By curl, which computes as little for it as a browser and sftp do: a client in Node would itself be what is waited for. */
async function fetchFile(
  { person, cert }: Client,
  sessionId: string,
  paths: { readonly from: string; readonly to: string },
): Promise<void> {
  const address = routeUrl('downloadFile', {
    params: { id: sessionId },
    query: { path: raw(paths.from), transfer: transferId() },
  });
  const asked = [`url = "${person.url}${address}"`, `header = "cookie: ${person.cookie}"`, 'header = "x-enchilada: 1"'];
  await finished('curl', ['-q', '-sSf', '--http1.1', '--cacert', cert, '-o', paths.to, '--config', '-'], asked);
  const { size } = await stat(paths.to);
  if (size !== MEGABYTES * 1_000_000) throw new Error(`${size} bytes arrived`);
}

/** As a browser does: one piece behind the other. */
async function sendFile(
  by: Client,
  sessionId: string,
  paths: { readonly from: string; readonly to: string },
): Promise<void> {
  const common = { path: raw(paths.to), transfer: transferId(), size: MEGABYTES * 1_000_000 };
  await using file = await open(paths.from);
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let at = 0, done = false; !done;) {
    const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, at);
    const response = await plainRequest(by, 'uploadFile', {
      params: { id: sessionId },
      query: { ...common, offset: at },
      body: piece.subarray(0, bytesRead),
    });
    ({ received: at, done } = (await json(response)) as { readonly received: number; readonly done: boolean });
  }
}

async function byProgram(sshd: Sshd, key: string, command: string): Promise<void> {
  const quiet = ['-q', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'];
  const parameters = [...quiet, '-P', String(sshd.port), '-i', key, '-b', '-', `${sshd.username}@${sshd.host}`];
  await finished('sftp', parameters, [command]);
}

export const sftp: Experiment = {
  figures: [DOWN, UP],
  async run(wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const sshd = owned.use(await startTarget());
    const site = owned.use(await startSite(place, 'strict', process.env['BENCH_PROFILE']));
    const folder = join(place.folder, 'files');
    await mkdir(folder);
    await chmod(folder, 0o777);
    const source = join(place.folder, 'source');
    await makeFile(source);
    const { privateKey, publicKey } = await generateKey(['-t', 'ed25519']);
    await sshd.authorize(publicKey);
    const key = await place.file('key', Buffer.from(privateKey));
    await chmod(key, 0o600);
    const targetId = await site.machineOn(sshd);
    const { user } = await site.admin.api.getMe();
    await site.admin.api.createGrant({
      body: {
        subject: { kind: 'user', id: user.id },
        scope: { kind: 'target', id: targetId },
        actions: ['connect', 'file-in', 'file-out'],
      },
    });
    await using shell = await site.admin.open(targetId);
    await shell.live();
    const client = { person: site.admin, agent: new Agent({ keepAlive: true }), cert: place.cert };
    owned.defer(() => client.agent.destroy());
    const here = join(place.folder, 'here');
    const there = join(folder, 'there');
    const samples: Record<FigureId, { ours: number[]; openssh: number[] }> = {} as never;
    let mostKib = 0;
    const watch = setInterval(() => {
      residentKib(site.gateway.pid).then(
        (kib) => (mostKib = Math.max(mostKib, kib)),
        () => undefined,
      );
    }, 200);
    try {
      for (const id of [DOWN, UP] as const) {
        if (!wanted.has(id)) continue;
        samples[id] = { ours: [], openssh: [] };
        for (let round = -1; round < ROUNDS; round += 1) {
          const spentBefore = await Promise.all([cpuSeconds(site.gateway.pid), cpuSeconds(process.pid)]);
          const ours = await seconds(() =>
            id === DOWN
              ? fetchFile(client, shell.sessionId, { from: source, to: here })
              : sendFile(client, shell.sessionId, { from: source, to: there }),
          );
          const [gatewayCpu, clientCpu] = (
            await Promise.all([cpuSeconds(site.gateway.pid), cpuSeconds(process.pid)])
          ).map((spent, index) => spent - (spentBefore[index] ?? 0));
          await rm(there, { force: true });
          const openssh = await seconds(() =>
            byProgram(sshd, key, id === DOWN ? `get ${source} ${here}` : `put ${source} ${there}`),
          );
          await rm(there, { force: true });
          say(
            `${round < 0 ? 'warm-up' : `round ${round + 1} of ${ROUNDS}`}, ${id}: product ${(MEGABYTES / ours).toFixed(0)} MB/s, sftp ${(MEGABYTES / openssh).toFixed(0)} MB/s; ${ours.toFixed(1)} s, of which the gateway computed ${gatewayCpu?.toFixed(1)} s and the client ${clientCpu?.toFixed(1)} s`,
          );
          if (round < 0) continue;
          samples[id].ours.push(Number((MEGABYTES / ours).toFixed(1)));
          samples[id].openssh.push(Number((MEGABYTES / openssh).toFixed(1)));
        }
      }
    } finally {
      clearInterval(watch);
    }
    const how = `a file of ${MEGABYTES} MB over TLS, hashed, audited and recorded, against the sftp program, to one real sshd; interleaved, ratio of the medians of ${ROUNDS}; the gateway held ${(mostKib / 1024).toFixed(0)} MiB at most`;
    return [DOWN, UP].flatMap((id) => {
      const found = samples[id as FigureId] as { ours: number[]; openssh: number[] } | undefined;
      if (found === undefined) return [];
      return [
        { id: id as FigureId, value: median(found.ours) / median(found.openssh), how, samples: { ...found, mostKib } },
      ];
    });
  },
};
