import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { canonicalJson, type JsonObject } from '@enchilada/core/recording';
import { verifyAuditLines } from './verify-chain.ts';

type Line = Record<string, unknown> & { sequence: number; previous: string; hash: string };

function chain(node: string, length: number): Line[] {
  const lines: Line[] = [];
  for (let sequence = 1; sequence <= length; sequence++) {
    const previous = lines.at(-1)?.hash ?? '0'.repeat(64);
    const rest = {
      node,
      sequence,
      at: 1_700_000_000_000 + sequence,
      action: 'login.succeeded',
      actor: { kind: 'user', id: 'usr_a', name: 'änna\u202e' },
      outcome: 'success',
      detail: { attempt: sequence },
    };
    const hash = createHash('sha256').update(Buffer.from(previous, 'hex')).update(canonicalJson(rest)).digest('hex');
    lines.push({ ...rest, previous, hash });
  }
  return lines;
}

async function* textOf(lines: readonly object[]): AsyncGenerator<string> {
  for (const line of lines) yield JSON.stringify(line);
}

const findingsOf = async (lines: readonly object[]) => {
  const report = await verifyAuditLines(textOf(lines));
  return {
    intact: report.intact,
    messages: report.chains.flatMap(({ findings }) => findings.map(({ message }) => message)),
  };
};

test('chains of several nodes, interleaved, are intact', async () => {
  const [a, b] = [chain('a', 5), chain('b', 4)];
  const mixed = a.flatMap((line, index) => [line, ...b.slice(index, index + 1)]);
  const report = await verifyAuditLines(textOf(mixed));
  assert.equal(report.intact, true);
  assert.deepEqual(
    report.chains.map(({ node, records, lastHash }) => [node, records, lastHash]),
    [
      ['a', 5, a[4]?.hash],
      ['b', 4, b[3]?.hash],
    ],
  );
});

test('every single change of any field of any record is found', async () => {
  const lines = chain('a', 4);
  for (const [index, line] of lines.entries()) {
    const changes: object[] = [
      { ...line, action: 'login.refused' },
      { ...line, at: 1 },
      { ...line, outcome: 'denied' },
      { ...line, detail: { attempt: 99 } },
      { ...line, added: 'x' },
      { ...line, actor: { kind: 'user', id: 'usr_b', name: 'änna\u202e' } },
      { ...line, previous: 'f'.repeat(64) },
      { ...line, hash: 'e'.repeat(64) },
      { ...line, node: 'b' },
    ];
    for (const changed of changes)
      assert.equal((await findingsOf(lines.with(index, changed as Line))).intact, false, JSON.stringify(changed));
  }
});

test('a record that is missing, repeated or moved is named', async () => {
  const lines = chain('a', 5);
  assert.match(
    (await findingsOf(lines.toSpliced(2, 1))).messages[0] ?? '',
    /record 4 of a follows record 2: 1 are missing/u,
  );
  assert.match(
    (await findingsOf(lines.toSpliced(2, 0, ...lines.slice(1, 2)))).messages[0] ?? '',
    /reordered or repeated/u,
  );
  assert.equal(
    (await findingsOf([...lines.slice(0, 2), ...lines.slice(3, 4), ...lines.slice(2, 3), ...lines.slice(4)])).intact,
    false,
  );
});

test('a rewritten tail that is consistent in itself does not link to what came before', async () => {
  const [kept, forged] = [chain('a', 3), chain('a', 6).slice(3)];
  const other = chain('a', 3).map((line) => ({ ...line, at: line.at as number }));
  assert.equal((await findingsOf([...kept, ...forged])).intact, true);
  const altered = { ...other[2], outcome: 'denied' } as Line;
  const { hash: _, previous, ...rest } = altered;
  altered.hash = createHash('sha256')
    .update(Buffer.from(previous, 'hex'))
    .update(canonicalJson(rest as unknown as JsonObject))
    .digest('hex');
  assert.match(
    (await findingsOf([...kept.slice(0, 2), altered, ...forged])).messages[0] ?? '',
    /record 4 of a does not link/u,
  );
});

test('an export cut at a time begins later and is intact for what it holds; lines that are no records are not', async () => {
  assert.equal((await findingsOf(chain('a', 6).slice(2))).intact, true);
  const report = await verifyAuditLines(
    (async function* () {
      yield 'hello';
      yield '[]';
    })(),
  );
  assert.deepEqual([report.intact, report.findings.length], [false, 2]);
});

test('an empty file proves nothing', async () => {
  assert.equal((await verifyAuditLines(textOf([]))).intact, false);
});
