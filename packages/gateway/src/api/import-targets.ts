import { type ImportResult, TargetCreate } from '@enchilada/contract';
import type { AuditEvent } from '@enchilada/core/audit';
import type { CredentialRecord } from '@enchilada/core/credential';
import type { EngineManifest, MachineInFile, ParameterField, ParameterValue } from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import type { StoreTransaction } from '@enchilada/core/store';
import type { HostKeyPolicy, Target, TargetGroup } from '@enchilada/core/target';
import { randomId } from '@enchilada/core/time';
import { Ajv } from 'ajv';
import { parseCsv } from '@enchilada/core/text';
import { parseDocument } from 'yaml';
import { normaliseName } from '../auth/logins.ts';
import type { ApiParts } from './api-parts.ts';
import { fieldProblems, keptLabels, referenceProblems, type TargetProblem } from './target-rules.ts';

/** A row as it stands in the file, names not resolved yet. */
interface Row {
  readonly line: number;
  readonly values: Readonly<Record<string, unknown>>;
  readonly credential?: MachineInFile['credential'];
  readonly problems?: readonly string[];
}

export interface ImportOutcome {
  readonly result: ImportResult;
  readonly saved: readonly Target[];
  readonly credentials: readonly CredentialRecord[];
}

const COLUMNS = [
  'name',
  'protocol',
  'host',
  'port',
  'group',
  'labels',
  'description',
  'credential',
  'jump',
  'files',
  'hostKeyPolicy',
  'parameters',
];
const MOST_ROWS = 100_000;
const checkShape = new Ajv({ allErrors: true, coerceTypes: false }).compile(TargetCreate);

function readRows(
  { format, text }: Pick<ImportRequest, 'format' | 'text'>,
  readers: ApiParts['fileReaders'],
): readonly Row[] {
  const reader = readers.get(format);
  if (reader !== undefined) return rowsOf(format, reader(text));
  if (format !== 'csv' && format !== 'yaml')
    throw new Fault('INVALID_REQUEST', `format must be csv, yaml or an engine that imports a file, received ${format}`);
  if (format === 'csv') {
    const [head, ...rows] = parseCsv(text);
    const names = (head?.fields ?? []).map((name) => name.trim());
    return rows.map(({ line, fields }) => ({
      line,
      values: Object.fromEntries(
        names.flatMap((name, index) =>
          (fields[index] ?? '').trim() === '' ? [] : [[name, (fields[index] ?? '').trim()]],
        ),
      ),
    }));
  }
  const document = parseDocument(text, { uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined)
    return [{ line: problem.linePos?.[0].line ?? 1, values: { '': problem.message.split('\n')[0] } }];
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: 0 });
  } catch {
    return [{ line: 1, values: { '': 'has aliases (*name), which are not read; write what they stand for' } }];
  }
  const list: unknown = Array.isArray(data) ? data : (data as { readonly machines?: unknown } | null)?.machines;
  if (!Array.isArray(list))
    return [{ line: 1, values: { '': 'must be a list of machines, or hold one under the key machines' } }];
  return list.map((item: unknown, index) => ({
    line: index + 1,
    values: typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : { '': 'is not a machine' },
  }));
}

function parameterFromText(field: ParameterField, text: string): ParameterValue {
  switch (field.kind) {
    case 'number':
      return /^-?\d+(\.\d+)?$/u.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'list':
      return text.split(/[\n|]/u).map((item) => item.trim());
    case 'text':
    case 'choice':
      return text;
  }
}

function readParameters(manifest: EngineManifest | undefined, values: Row['values']): unknown {
  const columns = Object.entries(values).filter(([name]) => name.startsWith('parameters.'));
  if (columns.length === 0) return values['parameters'] ?? {};
  return Object.fromEntries(
    columns.map(([column, text]) => {
      const name = column.slice('parameters.'.length);
      const field = manifest?.parameters.find((candidate) => candidate.name === name);
      return [name, field === undefined || typeof text !== 'string' ? text : parameterFromText(field, text)];
    }),
  );
}

function readLabels(value: unknown): unknown {
  if (typeof value !== 'string') return value ?? {};
  const pairs = value.split(/[,;]/u).flatMap((pair) => (pair.trim() === '' ? [] : [pair.trim().split(/[=:](.*)/su)]));
  return Object.fromEntries(pairs.map(([key = '', label = '']) => [key.trim(), label.trim()]));
}

function rowsOf(protocol: string, machines: readonly MachineInFile[]): readonly Row[] {
  return machines.map(({ line, name, host, port, parameters, credential, problems }) => ({
    line,
    values: { name, protocol, host, port, parameters },
    problems,
    ...(credential === undefined ? {} : { credential }),
  }));
}

/** The credential that a file brings for a machine, named after it. Undefined where the file brings none. */
async function sealedCredential(
  parts: ApiParts,
  row: Row | undefined,
  target: Target,
): Promise<CredentialRecord | undefined> {
  const { vault, random, clock } = parts;
  if (row?.credential === undefined) return undefined;
  const { kind, username, secret } = row.credential;
  const now = clock.now();
  const id = `crd_${randomId(random)}`;
  const sealed = await vault.seal({
    id,
    version: 1,
    ...(kind === 'password' ? { password: secret } : { privateKey: secret }),
  });
  const publicFingerprint = kind === 'password' ? undefined : await parts.fingerprintPrivateKey(secret, undefined);
  const name = `${target.name.slice(0, 170)} ${new Date(now).toISOString().slice(0, 19)}Z`;
  return { id, name, kind, username, version: 1, createdAt: now, updatedAt: now, sealed, publicFingerprint };
}

export interface ImportRequest {
  readonly format: string;
  readonly text: string;
  readonly preview: boolean;
  /** Whoever imports may store credentials. */
  readonly maySeal: boolean;
}

/** Reads, checks every row and saves all of them or none. A machine whose name exists is updated. */
export async function importTargets(
  parts: ApiParts,
  request: ImportRequest,
  dropBuiltIn: (tx: StoreTransaction) => Promise<readonly AuditEvent[]>,
): Promise<ImportOutcome> {
  const rows = readRows(request, parts.fileReaders);
  if (rows.length > MOST_ROWS)
    return outcome([
      {
        line: 1,
        name: '',
        host: '',
        protocol: '',
        outcome: 'refused',
        problems: [{ field: '', message: `at most ${MOST_ROWS} machines at once, received ${rows.length}` }],
      },
    ]);
  if (!request.preview && !request.maySeal && rows.some(({ credential }) => credential !== undefined))
    throw new Fault('FORBIDDEN', 'the file brings credentials, which need the permission credential.write');
  const check = await prepare(parts);
  const judged = rows.map((row) => check(row));
  const bad = judged.some(({ view }) => view.outcome === 'refused');
  const views = judged.map(({ view }) => view);
  if (bad || request.preview || views.length === 0) return outcome(views);
  try {
    const sealed = await Promise.all(judged.map(({ target }, index) => sealedCredential(parts, rows[index], target)));
    const credentials = sealed.filter((credential) => credential !== undefined);
    return await parts.settlements.write(async (tx) => {
      for (const credential of credentials) await tx.credentials.insert(credential);
      const groups = new Groups(tx, parts, await tx.catalog.listGroups());
      const saved: Target[] = [];
      for (const [index, { target, path }] of judged.entries())
        saved.push({
          ...target,
          credentialId: sealed[index]?.id ?? target.credentialId,
          groupId: path === undefined ? undefined : await groups.at(path),
        });
      await tx.catalog.insertTargets(saved.filter((_target, index) => views[index]?.outcome === 'create'));
      const changed = saved.filter((_target, index) => views[index]?.outcome === 'update');
      if (changed.length > 0) await tx.catalog.updateTargets(changed);
      for (const [index, target] of saved.entries()) {
        const problems = await referenceProblems(tx, parts.engines, target);
        if (problems.length > 0) throw new ImportRefusal(index, problems);
      }
      const result = { ...outcome(views).result, saved: true };
      return { result: { result, saved, credentials }, events: await dropBuiltIn(tx) };
    });
  } catch (failure) {
    if (failure instanceof ImportRefusal)
      return outcome(
        views.map((view, index) =>
          index === failure.index ? { ...view, outcome: 'refused', problems: [...failure.problems] } : view,
        ),
      );
    if (isFault(failure, 'CONFLICT'))
      return outcome(
        views.map((view) => ({ ...view, outcome: 'refused', problems: [{ field: 'name', message: failure.message }] })),
      );
    throw failure;
  }
}

class ImportRefusal extends Error {
  readonly index: number;
  readonly problems: readonly TargetProblem[];

  constructor(index: number, problems: readonly TargetProblem[]) {
    super('a row refers to something that does not fit');
    this.index = index;
    this.problems = problems;
  }
}

function outcome(rows: ImportResult['rows']): ImportOutcome {
  const count = (kind: 'create' | 'update' | 'refused'): number => rows.filter((row) => row.outcome === kind).length;
  return {
    result: { saved: false, created: count('create'), updated: count('update'), refused: count('refused'), rows },
    saved: [],
    credentials: [],
  };
}

async function prepare(parts: ApiParts): Promise<
  (row: Row) => {
    readonly view: ImportResult['rows'][number];
    readonly target: Target;
    readonly path: string | undefined;
  }
> {
  const { store, engines, clock, random } = parts;
  const [targets, credentials] = await Promise.all([store.now.catalog.listTargets(), store.now.credentials.list()]);
  const byName = new Map(targets.map((target) => [normaliseName(target.name), target]));
  const credentialByName = new Map(credentials.map((credential) => [normaliseName(credential.name), credential.id]));
  const inFile = new Map<string, string>();
  const now = clock.now();
  return ({ line, values, problems: found = [] }) => {
    const text = (name: string): string =>
      typeof values[name] === 'string' || typeof values[name] === 'number' ? String(values[name]) : '';
    const problems: TargetProblem[] = Object.keys(values)
      .filter((name) => !COLUMNS.includes(name) && !name.startsWith('parameters.'))
      .map((name) => ({ field: name, message: name === '' ? String(values[name]) : 'is not a known column' }));
    problems.push(...found.map((message) => ({ field: '', message })));
    const name = normaliseName(text('name'));
    if (inFile.has(name)) problems.push({ field: 'name', message: 'stands in the file twice' });
    const existing = byName.get(name);
    const id = existing?.id ?? `tgt_${randomId(random)}`;
    inFile.set(name, id);
    const manifest = engines.get(text('protocol'));
    const resolve = (column: string, known: (key: string) => string | undefined): string | undefined => {
      if (text(column) === '') return undefined;
      const found = known(normaliseName(text(column)));
      if (found === undefined)
        problems.push({ field: column, message: `names nothing known, received ${JSON.stringify(text(column))}` });
      return found;
    };
    const port =
      text('port') === ''
        ? (manifest?.defaultPort ?? 1)
        : /^\d+$/u.test(text('port'))
          ? Number(text('port'))
          : text('port');
    const shape = {
      name: text('name'),
      protocol: text('protocol'),
      host: text('host'),
      port,
      labels: readLabels(values['labels']),
      description: text('description'),
      parameters: readParameters(manifest, values),
      hostKeyPolicy: text('hostKeyPolicy') === '' ? 'ask' : text('hostKeyPolicy'),
    };
    if (!checkShape(shape)) {
      problems.push(
        ...(checkShape.errors ?? []).map((error) => ({
          field: error.instancePath.slice(1).replaceAll('/', '.'),
          message: error.message ?? 'is not valid',
        })),
      );
    }
    // Of a shape that is not valid the labels may be anything.
    const kept = keptLabels(problems.length > 0 ? {} : (shape.labels as Target['labels']), existing?.labels);
    problems.push(...kept.problems);
    const target: Target = {
      ...(shape as unknown as Target),
      id,
      labels: kept.labels,
      // A file does not say how fresh a proof the machine asks for, and so does not take that away either.
      proofMinutes: existing?.proofMinutes,
      hostKeyPolicy: shape.hostKeyPolicy as HostKeyPolicy,
      groupId: undefined,
      credentialId: resolve('credential', (key) => credentialByName.get(key)),
      // A jump host may stand further up in the same file.
      jumpTargetId: resolve('jump', (key) => inFile.get(key) ?? byName.get(key)?.id),
      filesTargetId: resolve('files', (key) => inFile.get(key) ?? byName.get(key)?.id),
      builtIn: undefined,
      goneAt: existing?.goneAt,
      version: existing?.version ?? 1,
      createdAt: existing?.createdAt ?? now,
      updatedAt: now,
    };
    if (problems.length === 0) problems.push(...fieldProblems(engines, target));
    const path = text('group')
      .split('/')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .join('/');
    return {
      view: {
        line,
        name: text('name').slice(0, 300),
        host: text('host').slice(0, 300),
        protocol: text('protocol').slice(0, 100),
        outcome: problems.length > 0 ? 'refused' : existing === undefined ? 'create' : 'update',
        problems,
      },
      target,
      path: path === '' ? undefined : path,
    };
  };
}

/** Groups by path, made where they are missing. */
class Groups {
  readonly #tx: StoreTransaction;
  readonly #parts: ApiParts;
  readonly #all: TargetGroup[];

  constructor(tx: StoreTransaction, parts: ApiParts, all: readonly TargetGroup[]) {
    this.#tx = tx;
    this.#parts = parts;
    this.#all = [...all];
  }

  async at(path: string): Promise<string | undefined> {
    let parentId: string | undefined;
    for (const name of path.split('/')) {
      let group = this.#all.find(
        (candidate) => candidate.parentId === parentId && normaliseName(candidate.name) === normaliseName(name),
      );
      if (group === undefined) {
        group = { id: `tgp_${randomId(this.#parts.random)}`, parentId, name: name.slice(0, 200) };
        await this.#tx.catalog.insertGroup(group);
        this.#all.push(group);
      }
      parentId = group.id;
    }
    return parentId;
  }
}
