import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import Database from 'better-sqlite3';
import type { DatabaseFailure, DatabaseReply, DatabaseRequest, Executed } from './database-messages.ts';

/** Other processes may hold the lock: this thread waits little, and the store asks again. */
const BUSY_TIMEOUT_MS = 20;
/** More than the product has statements; what is made by hand, as a migration's, leaves again. */
const STATEMENTS_KEPT = 512;

let database: Database.Database | undefined;
const statements = new Map<string, Database.Statement>();

async function open(file: string): Promise<void> {
  try {
    // A database in memory, as tests have it, is no file.
    if (file !== ':memory:') closeSync(openSync(file, 'ax', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const opened = new Database(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    await setJournalMode(opened);
    // https://www.sqlite.org/pragma.html#pragma_synchronous: in WAL mode, NORMAL may lose the last commits with the power.
    opened.pragma('synchronous = FULL');
    opened.pragma('foreign_keys = ON');
    // Without it, INSERT OR REPLACE would delete past the triggers.
    opened.pragma('recursive_triggers = ON');
    database = opened;
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** SQLite does not wait for the lock it needs to change the journal mode: of several first starts at once, some are told BUSY. */
async function setJournalMode(opened: Database.Database): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      opened.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (failureOf(error).code !== 'SQLITE_BUSY' || attempt === 200) throw error;
      // eslint-disable-next-line no-restricted-syntax -- spreads retries, guards nothing
      await pause(5 + Math.random() * 20);
    }
  }
}

function opened(): Database.Database {
  if (database === undefined) throw new TypeError('The database connection is not open');
  return database;
}

function statementOf(sql: string): Database.Statement {
  const kept = statements.get(sql);
  if (kept !== undefined) return kept;
  const made = opened().prepare(sql);
  const [oldest] = statements.keys();
  if (statements.size >= STATEMENTS_KEPT && oldest !== undefined) statements.delete(oldest);
  statements.set(sql, made);
  return made;
}

function execute(sql: string, parameters: readonly unknown[]): Executed {
  const statement = statementOf(sql);
  if (statement.reader) return { rows: statement.all(...parameters) as Record<string, unknown>[] };
  return { rows: [], ...statement.run(...parameters) };
}

async function carryOut(request: DatabaseRequest): Promise<Executed | undefined> {
  switch (request.kind) {
    case 'open':
      await open(request.file);
      return undefined;
    case 'execute':
      return execute(request.sql, request.parameters);
    case 'copy':
      await opened().backup(request.file);
      return undefined;
    case 'close':
      statements.clear();
      database?.close();
      database = undefined;
      return undefined;
  }
}

function failureOf(error: unknown): DatabaseFailure {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return { name, message, code: typeof code === 'string' ? code : undefined };
}

function reply(message: DatabaseReply): void {
  parentPort?.postMessage(message);
}

parentPort?.on('message', (request: DatabaseRequest) => {
  const { id } = request;
  carryOut(request).then(
    (result) => {
      reply({ id, result, inTransaction: database?.inTransaction ?? false });
    },
    (error: unknown) => {
      reply({ id, failure: failureOf(error), inTransaction: database?.inTransaction ?? false });
    },
  );
});
