import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { formatTrustFile, recordingPrefix } from '@enchilada/core/recording';
import type { VerifyReport } from '@enchilada/core/recording';
import { RecordingFixture } from '@enchilada/core/testing/recording-fixture';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { runVerify } from './index.ts';

const fixtures = join(import.meta.dirname, '../../../core/src/recording/fixtures');

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await runVerify(args, {
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
  });
  return { code, out, err };
}

/** Writes recordings as a store has them, with trust file, checkpoints and audit export beside it. */
async function writeArchive(
  recordings: readonly RecordingFixture[],
): Promise<{ folder: string; store: string; args: string[] }> {
  const folder = temporaryFolder('archive');
  const store = join(folder, 'store');
  const audit: string[] = [];
  for (const recording of recordings) {
    const path = join(store, recordingPrefix(recording.id, recording.description.startedAt));
    mkdirSync(path, { recursive: true });
    for (const [name, bytes] of recording.files) writeFileSync(join(path, name), bytes);
    for (const action of ['session.opened', 'session.ended'])
      audit.push(JSON.stringify({ action, detail: { recordingId: recording.id } }));
  }
  const [first] = recordings;
  assert.ok(first);
  const checkpoint = await first.checkpoint(5);
  mkdirSync(dirname(join(folder, checkpoint.name)), { recursive: true });
  writeFileSync(join(folder, checkpoint.name), checkpoint.bytes);
  writeFileSync(join(folder, 'trust.json'), formatTrustFile(first.trust));
  writeFileSync(join(folder, 'audit.jsonl'), `${audit.join('\n')}\n`);
  writeFileSync(
    join(folder, 'key-file'),
    `enchilada-kek-1:${Buffer.from(first.keyEncryptionKey).toString('base64')}\n`,
  );
  const args = [
    '--trust',
    join(folder, 'trust.json'),
    '--checkpoints',
    join(folder, 'chk'),
    '--audit',
    join(folder, 'audit.jsonl'),
  ];
  return { folder, store, args };
}

const retainUntil = Date.UTC(2027, 3, 5, 12);
const one = await RecordingFixture.build({ seed: 'one', epochs: [4, 4, 4], description: { retainUntil } });
const two = await RecordingFixture.build({ seed: 'two', epochs: [2], signer: one.signer });
const pathOf = (store: string, recording: RecordingFixture): string =>
  join(store, recordingPrefix(recording.id, recording.description.startedAt));

describe('enchilada verify', () => {
  it('verifies recordings that an earlier version made, with and without decrypting', async () => {
    for (const [name, code] of [
      ['complete', 0],
      ['recovered', 10],
    ] as const) {
      const folder = join(fixtures, name);
      const common = [join(folder, 'store'), '--trust', join(folder, 'trust.json')];
      assert.equal((await run(...common)).code, code);
      const checkpoints = name === 'complete' ? ['--checkpoints', join(folder, 'store/chk')] : [];
      const decrypted = await run(...common, ...checkpoints, '--decrypt', '--key-file', join(folder, 'key-file'));
      assert.equal(decrypted.code, code, decrypted.out);
    }
  });

  it('says of an archive that it is whole, for people and as JSON lines', async () => {
    const { store, args } = await writeArchive([one, two]);
    const human = await run(store, ...args);
    assert.equal(human.code, 0, human.out);
    assert.match(human.out, /2 recordings, \d+ bytes, 0 damaged: exit 0/);
    const lines = (await run(store, ...args, '--json')).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; code: number });
    assert.deepEqual(
      lines.map(({ type, code }) => [type, code]),
      [
        ['recording', 0],
        ['recording', 0],
        ['summary', 0],
      ],
    );
  });

  it('names the damaged chunk and its time range', async () => {
    const { store, args } = await writeArchive([one, two]);
    const path = join(pathOf(store, one), '00000007.brc');
    const bytes = readFileSync(path);
    bytes[200] = (bytes[200] ?? 0) ^ 4;
    writeFileSync(path, bytes);
    const human = await run(store, ...args);
    assert.equal(human.code, 20);
    assert.match(
      human.out,
      /20 content altered: chunk 7, 00:00:\d\d\.\d{3}-00:00:\d\d\.\d{3}: differs from what the manifest lists/,
    );
    const json = await run(store, ...args, '--json');
    const report = json.out
      .split('\n')
      .map((line) => JSON.parse(line || '{}') as VerifyReport)
      .find(({ recording }) => recording === one.id);
    const finding = report?.findings[0];
    assert.deepEqual(
      [finding?.code, finding?.chunks, finding?.timeUs],
      [20, [7, 7], [one.chunks[6]?.fromUs, one.chunks[6]?.toUs]],
    );
  });

  it('exits by the kind of damage', async () => {
    const cases: [code: number, change: (path: string, folder: string) => void][] = [
      [
        21,
        (path) => {
          rmSync(join(path, '00000003.brc'));
        },
      ],
      [
        21,
        (path) => {
          cpSync(join(path, '00000002.brc'), join(path, '00000003.brc'));
        },
      ],
      [
        22,
        (_, folder) => {
          writeFileSync(
            join(folder, 'trust.json'),
            readFileSync(join(folder, 'trust.json'), 'utf8').replace(one.signer.keyId, 'f'.repeat(16)),
          );
        },
      ],
      [
        24,
        (path) => {
          rmSync(path, { recursive: true });
        },
      ],
      [
        24,
        (path) => {
          rmSync(join(path, 'manifest.json'));
        },
      ],
      [
        25,
        (path) => {
          writeFileSync(join(path, 'head.json'), readFileSync(join(path, 'head.json'), 'utf8').replace('ada', 'eve'));
        },
      ],
    ];
    for (const [code, change] of cases) {
      const { folder, store, args } = await writeArchive([one, two]);
      change(pathOf(store, one), folder);
      const result = await run(store, ...args);
      assert.equal(result.code, code, `${String(change)}: ${result.out}`);
    }
    const { folder, store } = await writeArchive([one, two]);
    for (const name of [
      'manifest.json',
      '00000012.brc',
      '00000011.brc',
      '00000010.brc',
      '00000009.brc',
      '00000008.brc',
      '00000007.brc',
      '00000006.brc',
      '00000005.brc',
    ]) {
      rmSync(join(pathOf(store, one), name));
    }
    const trust = ['--trust', join(folder, 'trust.json')];
    assert.equal((await run(store, ...trust)).code, 10);
    assert.equal((await run(store, ...trust, '--checkpoints', join(folder, 'chk'))).code, 23);
  });

  it('verifies one recording in a folder of any name', async () => {
    const { folder, store, args } = await writeArchive([one, two]);
    cpSync(pathOf(store, one), join(folder, 'download'), { recursive: true });
    assert.equal((await run(join(folder, 'download'), ...args)).code, 0);
    assert.equal((await run(pathOf(store, two), ...args)).code, 0);
  });

  it('finds a recording that promises to be kept for less than is asked for, and one that was removed early', async () => {
    const { folder, store, args } = await writeArchive([one]);
    const [first] = args.slice(1);
    assert.ok(first);
    assert.equal((await run(store, '--trust', first, '--retention', '400d')).code, 0);
    const { code, out } = await run(store, '--trust', first, '--retention', '401d');
    assert.equal(code, 30, out);
    assert.match(
      out,
      /30 retention too short: head\.json: promises to keep the recording until 2027-04-05T12:00:00\.000Z/,
    );
    assert.equal((await run(store, '--trust', first, '--retention', 'a year')).code, 2);
    const rows = [
      { action: 'session.opened', detail: { recordingId: two.id, retainUntil } },
      { action: 'recording.retired', at: retainUntil - 1, detail: { recordingId: two.id } },
    ];
    writeFileSync(join(folder, 'audit.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const early = await run(store, ...args);
    assert.equal(early.code, 30, early.out);
    assert.match(early.out, /was removed on 2027-04-05T11:59:59\.999Z/);
  });

  it('finds a data key that is not the committed one, though every tag holds', async () => {
    const forged = await RecordingFixture.build({
      seed: 'one',
      epochs: [2, 2],
      otherDataKey: new Uint8Array(32).fill(7),
    });
    const { folder, store, args } = await writeArchive([forged]);
    assert.equal((await run(store, ...args.slice(0, 2))).code, 0);
    const decrypted = await run(store, ...args.slice(0, 2), '--decrypt', '--key-file', join(folder, 'key-file'));
    assert.equal(decrypted.code, 22, decrypted.out);
    assert.match(decrypted.out, /not the one that the recording is committed to/);
  });

  it('finds a key file that does not fit', async () => {
    const { folder, store, args } = await writeArchive([one]);
    writeFileSync(join(folder, 'key-file'), `enchilada-kek-1:${Buffer.alloc(32).toString('base64')}\n`);
    assert.equal((await run(store, ...args, '--decrypt', '--key-file', join(folder, 'key-file'))).code, 22);
  });

  it('escapes control characters of a file in what it prints', async () => {
    const { store, args } = await writeArchive([one]);
    writeFileSync(join(pathOf(store, one), '\u001b]52;c;x\u0007\u202e.json'), '{}');
    const { out, code } = await run(store, ...args);
    assert.equal(code, 25);
    assert.doesNotMatch(out, /[\0-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });

  it('proves nothing without keys, folder or recordings, and says so', async () => {
    const { folder, store, args } = await writeArchive([one]);
    for (const call of [
      [store],
      [...args],
      [join(folder, 'none'), ...args],
      [store, '--trust', join(folder, 'audit.jsonl')],
      [store, ...args, '--decrypt'],
      [store, ...args, '--what'],
      [store, ...args.slice(0, 2), '--checkpoints', join(folder, 'none')],
    ]) {
      const { code, err } = await run(...call);
      assert.equal(code, 2, call.join(' '));
      assert.match(err, /usage: enchilada verify/);
    }
    mkdirSync(join(folder, 'empty'));
    assert.equal((await run(join(folder, 'empty'), ...args.slice(0, 2))).code, 24);
  });

  it('prints nothing a terminal obeys, whatever the objects are called', async () => {
    const { folder, store, args } = await writeArchive([one]);
    try {
      for (const name of ['\u001b[2J\u001b]0;x\u0007.brc', '\u202egnp.json', 'line\nbreak'])
        writeFileSync(join(store, recordingPrefix(one.id, one.description.startedAt), name), 'x');
      for (const json of [[], ['--json']]) {
        const { out } = await run(store, ...args, ...json);
        assert.match(out, /202egnp/u);
        assert.doesNotMatch(out.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('answers a wrong call in words, as JSON where that was asked for', async () => {
    const plain = await run('no-such-folder');
    assert.equal(plain.code, 2);
    assert.match(plain.err, /^there is no no-such-folder\nusage/u);
    const { code, out } = await run('no-such-folder', '--json');
    assert.equal(code, 2);
    assert.deepEqual(JSON.parse(out), { error: { message: 'there is no no-such-folder', exitCode: 2 } });
  });
});
