/** mulberry32: the same log on every machine. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SERVICES = [
  'sshd',
  'kernel',
  'nginx',
  'postgres',
  'cron',
  'systemd',
  'dockerd',
  'kubelet',
  'haproxy',
  'postfix/smtpd',
];
const WORDS =
  'accepted rejected connection from port request upstream timed out while reading response header client closed session opened for user started stopped retry backoff volume mounted checkpoint complete wrote buffers lease renewed größe naïve 日本語 ✓ done'.split(
    ' ',
  );
const COLOURS = ['\u001b[31m', '\u001b[32m', '\u001b[33m', '\u001b[1;34m', '\u001b[90m'];

/** A log such as `journalctl -f`, a build or `docker logs` print: times, names, numbers, colours, some hexadecimal, some Unicode. Lines end in LF. */
export function variedLog(bytes: number, seed = 20): Buffer {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const parts: Buffer[] = [];
  let at = Date.UTC(2026, 0, 1);
  let total = 0;
  while (total < bytes) {
    const lines: string[] = [];
    for (let line = 0; line < 1_000; line += 1) {
      at += Math.floor(random() * 900);
      const words = Array.from({ length: 4 + Math.floor(random() * 14) }, () =>
        random() < 0.15 ? Math.floor(random() * 1e6).toString(random() < 0.5 ? 16 : 10) : pick(WORDS),
      ).join(' ');
      const name = random() < 0.3 ? `${pick(COLOURS)}${pick(SERVICES)}\u001b[0m` : pick(SERVICES);
      const request =
        random() < 0.1
          ? ` id=${Math.floor(random() * 2 ** 32)
              .toString(16)
              .padStart(8, '0')}${Math.floor(random() * 2 ** 32)
              .toString(16)
              .padStart(8, '0')}`
          : '';
      lines.push(
        `${new Date(at).toISOString()} host-${Math.floor(random() * 40)} ${name}[${Math.floor(random() * 65_536)}]: ${words}${request}`,
      );
    }
    const part = Buffer.from(`${lines.join('\n')}\n`);
    parts.push(part);
    total += part.length;
  }
  return Buffer.concat(parts, total).subarray(0, bytes);
}
