import { createCipheriv, hash, randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { MAX_CIPHER_BYTES } from '@enchilada/core/recording';
import { startTelnetd, type Telnetd } from '@enchilada/core/testing/servers/telnetd';
import { BarePipe, Workplace } from '../bench-site.ts';
import { Site } from '../../tests/site.ts';
import type { Experiment } from '../figure.ts';
import { median, within } from '../measure.ts';
import { variedLog } from '../varied-log.ts';
import { bySite, ends, spent } from './output-cpu.ts';

const BYTES = 20_000_000;
const ROUNDS = 5;
const LIMIT_MS = 60_000;
const PRINT_END = "printf 'END-%s\\n' OF-LOG";
const ID = 'telnet-output-cpu-vs-pipe';

/** The other end of the bare pipe: refuses every option, then signs in. */
async function byPipe(pipe: BarePipe, telnetd: Telnetd, command: string): Promise<number> {
  const socket = await pipe.connect();
  let seen = '';
  const shows = (words: string): Promise<void> =>
    within(
      LIMIT_MS,
      words,
      new Promise((resolve) => {
        const look = (): void => (seen.includes(words) ? resolve() : void setTimeout(look, 5));
        look();
      }),
    );
  const onMessage = (bytes: Buffer): void => {
    for (let at = bytes.indexOf(255); at !== -1; at = bytes.indexOf(255, at + 1)) {
      const [verb = 0, option = 0] = bytes.subarray(at + 1);
      if (verb === 253) socket.send(Buffer.from([255, 252, option]));
      else if (verb === 251) socket.send(Buffer.from([255, option === 1 || option === 3 ? 253 : 254, option]));
    }
    seen += bytes.toString('latin1');
  };
  socket.on('message', onMessage);
  await shows('login: ');
  socket.send(`${telnetd.username}\r\0`);
  await shows('Password: ');
  socket.send(`${telnetd.password}\r\0`);
  await shows('$ ');
  socket.off('message', onMessage);
  const end = ends((listener) => socket.on('message', listener));
  const seconds = await spent(pipe.pid, () => socket.send(`${command}\r\0`), end);
  socket.close();
  return seconds;
}

/** The product with TLS and its defaults, and protocols without encryption allowed. */
function startSite(place: Workplace): Promise<Site> {
  const config = `tls:\n  cert: ${place.cert}\n  key: ${place.key}\nlog: { level: warn }\n`;
  const profile = process.env['BENCH_PROFILE'];
  const environment = {
    ENCHILADA_EGRESS_ALLOW_CLEARTEXT: 'true',
    ...(profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` }),
  };
  return Site.start({ config, environment });
}

/**
 * CPU seconds of what the format of a recording asks for and nothing else: each chunk is compressed, encrypted and hashed, with no journal, no
 * screen history and nobody who is shown anything.
 */
function formatAlone(log: Buffer): number {
  const [key, iv] = [randomBytes(32), Buffer.alloc(12)];
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  const before = process.cpuUsage();
  for (let at = 0; at < log.length; at += MAX_CIPHER_BYTES) {
    const compressed = zstdCompressSync(log.subarray(at, at + MAX_CIPHER_BYTES), { params });
    iv.writeUInt32BE(at);
    const cipher = createCipheriv('aes-256-gcm', key, iv);
    const parts = [cipher.update(compressed), cipher.final(), cipher.getAuthTag()];
    hash('sha256', Buffer.concat(parts));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

export const telnetOutputCpu: Experiment = {
  figures: [ID],
  async run(_wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const telnetd = owned.use(await startTelnetd());
    const content = variedLog(BYTES);
    const log = await place.file('varied.log', content);
    const command = `cat ${log}; ${PRINT_END}`;
    const site = owned.use(await startSite(place));
    const { id: credentialId } = await site.admin.api.createCredential({
      body: { name: 'telnet', kind: 'password', username: telnetd.username, secret: telnetd.password },
    });
    const targetId = await site.machine({ protocol: 'telnet', host: telnetd.host, port: telnetd.port, credentialId });
    const pipe = owned.use(await BarePipe.start(place, telnetd, 'bare-tcp-pipe.ts'));
    const samples = { ours: [] as number[], other: [] as number[], format: [] as number[] };
    for (let round = -2; round < ROUNDS; round += 1) {
      const ours = await bySite(site, targetId, command);
      const other = await byPipe(pipe, telnetd, command);
      const format = formatAlone(content);
      say(
        `${round < 0 ? 'warm-up' : `round ${round + 1} of ${ROUNDS}`}: product ${ours.toFixed(2)} s, pipe ${other.toFixed(2)} s, the recording's format alone ${format.toFixed(2)} s`,
      );
      if (round < 0) continue;
      samples.ours.push(Number(ours.toFixed(2)));
      samples.other.push(Number(other.toFixed(2)));
      samples.format.push(Number(format.toFixed(3)));
    }
    const how = `CPU seconds of the whole process for a 20 MB varied log by cat on a real telnetd, TLS, recording strict, against a bare TCP to ws pipe with TLS; interleaved, ratio of the medians of ${ROUNDS} after two warm-up rounds; to compress, encrypt and hash those bytes as a recording does, and nothing else, takes ${(median(samples.format) / median(samples.other)).toFixed(1)} × the pipe`;
    return [{ id: ID, value: median(samples.ours) / median(samples.other), how, samples }];
  },
};
