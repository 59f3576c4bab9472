import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';
import { ensurePackage } from './database-server.ts';

const execute = promisify(execFile);
const HOME = '/usr/share/simplesamlphp';

export interface SamlPerson {
  readonly password: string;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

/** A real SimpleSAMLphp as an identity provider, served by PHP itself. */
export interface SamlIdp extends AsyncDisposable {
  readonly origin: string;
  readonly entityId: string;
  readonly metadataUrl: string;
  readonly people: ReadonlyMap<string, SamlPerson>;
  /** For our side, in PEM. */
  readonly spKey: string;
  readonly spCertificate: string;
  /** Makes us known, by our own metadata as they are served. */
  register(metadata: string): Promise<void>;
  /** Signs with a new key from now on, and says so in its metadata. */
  changeKey(): Promise<void>;
  log(): Promise<string>;
}

const php = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? `[${Object.entries(value)
        .map(([key, item]) => `${Array.isArray(value) ? '' : `${php(key)} => `}${php(item)}`)
        .join(', ')}]`
    : typeof value === 'string'
      ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
      : String(value);

async function newKey(folder: string, name: string): Promise<void> {
  const files = ['-keyout', join(folder, `${name}.pem`), '-out', join(folder, `${name}.crt`)];
  await execute('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`],
    ...files,
  ]);
}

const PEOPLE: ReadonlyMap<string, SamlPerson> = new Map([
  [
    'paula',
    {
      password: 'a password of paula',
      attributes: {
        uid: ['paula'],
        displayName: ['Paula Provider'],
        mail: ['paula@example.test'],
        groups: ['operators', 'staff'],
      },
    },
  ],
  ['eve', { password: 'a password of eve', attributes: { uid: ['eve'], displayName: ['Eve'], groups: ['strangers'] } }],
]);

export async function startSamlIdp(): Promise<SamlIdp> {
  await ensurePackage('simplesamlphp', HOME);
  await ensurePackage('php-cli', '/usr/bin/php');
  for (const name of ['php-xml', 'php-mbstring']) await ensurePackage(name, `/usr/share/doc/${name}`);
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-saml-'));
  for (const name of ['cert', 'log', 'data', 'temp', 'metadata', 'sessions']) await mkdir(join(folder, name));
  await newKey(join(folder, 'cert'), 'idp');
  await newKey(join(folder, 'cert'), 'sp');
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const entityId = `${origin}/idp`;
  const people = Object.fromEntries(
    [...PEOPLE].map(([name, { password, attributes }]) => [`${name}:${password}`, attributes]),
  );
  const config = {
    ...{
      baseurlpath: `${origin}/`,
      certdir: `${folder}/cert/`,
      loggingdir: `${folder}/log/`,
      datadir: `${folder}/data/`,
    },
    ...{
      tempdir: `${folder}/temp`,
      metadatadir: `${folder}/metadata/`,
      attributenamemapdir: '/etc/simplesamlphp/attributemap/',
    },
    ...{ secretsalt: randomBytes(16).toString('hex'), 'auth.adminpassword': randomBytes(16).toString('hex') },
    ...{ timezone: 'UTC', 'logging.level': 7, 'logging.handler': 'file', 'enable.saml20-idp': true },
    ...{ 'module.enable': { exampleauth: true, core: true, saml: true }, 'language.default': 'en' },
    ...{ 'session.cookie.secure': false, 'session.cookie.samesite': null, 'language.cookie.secure': false },
    ...{ 'session.phpsession.savepath': `${folder}/sessions`, 'session.phpsession.cookiename': 'SimpleSAML' },
    ...{
      'store.type': 'phpsession',
      'trusted.url.regex': true,
      'trusted.url.domains': ['localhost(:[0-9]+)?'],
      'admin.checkforupdates': false,
    },
    'metadata.sources': [{ type: 'flatfile' }, { type: 'xml', file: `${folder}/sp.xml` }],
  };
  const hosted = (key: string): string =>
    `<?php\n$metadata[${php(entityId)}] = ${php({
      ...{ host: '__DEFAULT__', privatekey: `${key}.pem`, certificate: `${key}.crt`, auth: 'people' },
      ...{
        NameIDFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        'validate.logout': true,
        'sign.logout': true,
      },
      authproc: {
        3: {
          0: 'unused',
          class: 'saml:AttributeNameID',
          attribute: 'uid',
          Format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        },
      },
    })};\n`;
  const files: Readonly<Record<string, string>> = {
    'config.php': `<?php\n$config = ${php(config)};\n`,
    'authsources.php': `<?php\n$config = ${php({ people: { 0: 'exampleauth:UserPass', ...people } })};\n`,
    'metadata/saml20-idp-hosted.php': hosted('idp'),
    'sp.xml': '<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const child: ChildProcess = spawn(
    '/usr/bin/php',
    ['-d', 'opcache.enable=0', '-S', `localhost:${port}`, '-t', join(HOME, 'www')],
    {
      env: { ...process.env, SIMPLESAMLPHP_CONFIG_DIR: folder, PHP_CLI_SERVER_WORKERS: '3' },
      stdio: 'ignore',
      detached: true,
    },
  );
  const metadataUrl = `${origin}/saml2/idp/metadata.php`;
  const until = Date.now() + 60_000;
  for (;;) {
    const answer = await fetch(metadataUrl).catch(() => undefined);
    const text = (await answer?.text()) ?? '';
    if (text.includes('EntityDescriptor>')) break;
    if (Date.now() > until) throw new Error(`SimpleSAMLphp does not describe itself: ${text}`);
    await sleep(100);
  }
  const pem = (name: string): Promise<string> => readFile(join(folder, 'cert', name), 'utf8');
  return {
    origin,
    entityId,
    metadataUrl,
    people: PEOPLE,
    spKey: await pem('sp.pem'),
    spCertificate: await pem('sp.crt'),
    register: (metadata) => writeFile(join(folder, 'sp.xml'), metadata),
    async changeKey() {
      await newKey(join(folder, 'cert'), 'next');
      await writeFile(join(folder, 'metadata', 'saml20-idp-hosted.php'), hosted('next'));
    },
    log: () => readFile(join(folder, 'log', 'simplesamlphp.log'), 'utf8').catch(() => ''),
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      // Its workers are processes of its own group.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
