import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Gateway } from '../fixtures/gateway.ts';

/** Writes down at the end of a process what it loaded. */
const HOOK = `
import { registerHooks } from 'node:module';
import { writeFileSync } from 'node:fs';
const loaded = [];
registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
process.on('exit', () => writeFileSync(process.env.LOADED_FOLDER + '/' + process.pid, loaded.join('\\n')));
`;

/** Each is for whoever has configured it; together they were a third of the CPU of a start. */
const LATER =
  /^(?:@aws-sdk|@smithy|@azure|@typespec)\/|^(?:pg|mysql2|nodemailer|@simplewebauthn\/server|@peculiar\/x509|tsyringe|jose|openid-client|ldapts|xml-crypto|@xmldom\/xmldom)$/u;

test('a start loads no library of a cloud, of a database server, of a provider of identities, of passkeys or of mail', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-loaded-'));
  try {
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(HOOK)}`;
    const gateway = await Gateway.start({ environment: { NODE_OPTIONS, LOADED_FOLDER: folder } });
    const { pid } = gateway;
    await gateway[Symbol.asyncDispose]();
    const urls = (await readFile(join(folder, String(pid)), 'utf8')).split('\n');
    const packages = new Set(urls.flatMap((url) => /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//u.exec(url)?.[1] ?? []));
    for (const needed of ['fastify', 'kysely']) assert.ok(packages.has(needed), `${needed} is seen`);
    assert.deepEqual(
      [...packages].filter((name) => LATER.test(name)),
      [],
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
