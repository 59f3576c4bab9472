import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ensurePackage, issueCertificate } from './database-server.ts';
import { LAPS_ATTRIBUTES, LAPS_SCHEMA } from './samba-laps-schema.ts';

const execute = promisify(execFile);
const SAMBA = '/usr/sbin/samba';
const SAMBA_TOOL = '/usr/bin/samba-tool';
const HOST = 'dc1.corp.test';
export const BASE = 'DC=corp,DC=test';
const ADMINISTRATOR = { dn: `CN=Administrator,CN=Users,${BASE}`, password: 'Adm1n!Passw0rd' };
/** The schema's identifier of the class `computer`. */
const COMPUTER_CLASS = 'bf967a86-0de6-11d0-a285-00aa003049e2';
const [LDAP, LDAPS] = [389, 636];

/** A real domain controller of Active Directory (Samba), freshly provisioned, with the LAPS attributes in its schema. */
export interface SambaAd extends AsyncDisposable {
  /** The server's name in its certificate. */
  readonly host: string;
  readonly ldapsPort: number;
  readonly ldapPort: number;
  /** The authority to trust, in PEM. */
  readonly ca: string;
  readonly administrator: { readonly dn: string; readonly password: string };
  /** Changes entries, as ldapmodify takes them, as the administrator. */
  modify(ldif: string): Promise<void>;
  /** `samba-tool` on the database of the domain; answers what it prints. */
  tool(...parameters: readonly string[]): Promise<string>;
  /** As if the account's password had last been changed in 2019. */
  agePassword(dn: string): Promise<void>;
  /** Lets an account read attributes of the computers below, as `Set-LapsADReadPasswordPermission` does. */
  allowReading(account: string, below: string, attributes: readonly string[]): Promise<void>;
}

/**
 * INVARIANT: Samba's ports are fixed (389, 636), so that it runs in a network of its own, where it meets nobody; this program inside it
 * hands connections on from Unix sockets in the fixture's folder.
 */
const RELAY = `
const net = require('node:net');
for (const port of process.argv.slice(2))
  net.createServer((outer) => {
    const inner = net.connect(Number(port), '127.0.0.1');
    for (const socket of [outer, inner]) socket.on('error', () => { outer.destroy(); inner.destroy(); });
    outer.pipe(inner).pipe(outer);
  }).listen(process.argv[1] + '/' + port);
`;

/** No protocol sets that time: it is written below the rules of the directory, by Samba's own library. */
const AGE_PASSWORD = `
import ldb, sys
file, dn = sys.argv[1:]
database = ldb.Ldb(file)
change = ldb.Message(ldb.Dn(database, dn))
change['pwdLastSet'] = ldb.MessageElement('132000000000000000', ldb.FLAG_MOD_REPLACE, 'pwdLastSet')
database.modify(change)
`;

export async function startSambaAd(): Promise<SambaAd> {
  if (process.getuid?.() !== 0) throw new Error('a test domain controller needs root: it runs in a network of its own');
  await ensurePackage('samba', SAMBA);
  await ensurePackage('samba-ad-provision', '/usr/share/samba/setup/provision.ldif');
  await ensurePackage('samba-dsdb-modules', '/usr/share/doc/samba-dsdb-modules/copyright');
  await ensurePackage('samba-vfs-modules', '/usr/share/doc/samba-vfs-modules/copyright');
  await ensurePackage('ldap-utils', '/usr/bin/ldapmodify');
  const owned = new AsyncDisposableStack();
  try {
    return await start(owned);
  } catch (cause) {
    await owned.disposeAsync();
    throw cause;
  }
}

async function start(owned: AsyncDisposableStack): Promise<SambaAd> {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-samba-'));
  owned.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  const at = (name: string): string => join(folder, name);
  const { ca, certificate, key } = await issueCertificate(HOST);
  await Promise.all([
    writeFile(at('ca.pem'), ca),
    writeFile(at('cert.pem'), certificate),
    writeFile(at('key.pem'), key, { mode: 0o600 }),
  ]);
  await provision(at);
  const log = run(owned, at);
  const [ldapPort, ldapsPort] = await Promise.all([LDAP, LDAPS].map((port) => relay(owned, at(String(port)))));
  if (ldapPort === undefined || ldapsPort === undefined) throw new Error('the system gave no port');
  const database = at('dc/private/sam.ldb');
  const server: SambaAd = {
    ...{ host: 'localhost', ldapPort, ldapsPort, ca, administrator: ADMINISTRATOR },
    async modify(ldif) {
      const file = at('change.ldif');
      await writeFile(file, ldif);
      // The test's own tool on the test's own machine.
      const env = { ...process.env, LDAPTLS_REQCERT: 'never' };
      const { dn, password } = ADMINISTRATOR;
      const url = `ldaps://127.0.0.1:${ldapsPort}`;
      await execute('/usr/bin/ldapmodify', ['-x', '-H', url, '-D', dn, '-w', password, '-f', file], { env });
    },
    tool: async (...parameters) =>
      (await execute(SAMBA_TOOL, [...parameters, '-H', database, '-s', at('dc/etc/smb.conf')])).stdout,
    async agePassword(dn) {
      await execute('/usr/bin/python3', ['-c', AGE_PASSWORD, at('dc/private/sam.ldb.d/DC=CORP,DC=TEST.ldb'), dn]);
    },
    async allowReading(account, below, attributes) {
      const shown = await server.tool('user', 'show', account, '--attributes=objectSid');
      const sid = /^objectSid: (S-[\d-]+)$/mu.exec(shown)?.[1] ?? '';
      const guids = LAPS_ATTRIBUTES.filter(({ name }) => attributes.includes(name)).map(({ guid }) => guid);
      // MS-DTYP 2.5.1.1: inherited by computers; read property and control access on this attribute.
      const entries = guids.map((guid) => `(OA;CIIO;RPCR;${guid};${COMPUTER_CLASS};${sid})`).join('');
      await server.tool('dsacl', 'set', `--objectdn=${below}`, `--sddl=${entries}`);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
  await serving(ldapsPort, log);
  await server.modify(LAPS_SCHEMA);
  return server;
}

async function provision(at: (name: string) => string): Promise<void> {
  const options = [
    'interfaces = lo',
    'bind interfaces only = yes',
    'server services = ldap',
    'dsdb:schema update allowed = true',
    `tls cafile = ${at('ca.pem')}`,
    `tls certfile = ${at('cert.pem')}`,
    `tls keyfile = ${at('key.pem')}`,
    'log level = 1',
  ];
  await execute(
    '/usr/bin/unshare',
    [
      ...['--net', SAMBA_TOOL, 'domain', 'provision', '--realm=CORP.TEST', '--domain=CORP', '--server-role=dc'],
      ...['--dns-backend=NONE', `--adminpass=${ADMINISTRATOR.password}`, '--host-name=dc1', '--host-ip=127.0.0.1'],
      ...[`--targetdir=${at('dc')}`, ...options.map((option) => `--option=${option}`)],
    ],
    { maxBuffer: 16 << 20 },
  );
}

/** Samba and the relay in one network. Answers what Samba wrote. */
function run(owned: AsyncDisposableStack, at: (name: string) => string): () => string {
  const samba = `exec ${SAMBA} -s '${at('dc/etc/smb.conf')}' --foreground --no-process-group --debug-stdout`;
  const hand = `'${process.execPath}' --eval "$RELAY" '${at('')}' ${LDAP} ${LDAPS} &`;
  const child: ChildProcess = spawn(
    '/usr/bin/unshare',
    ['--net', '--pid', '--fork', '--kill-child', '/bin/sh', '-c', `ip link set lo up; ${hand} ${samba}`],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, RELAY },
    },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: Buffer) => (log = (log + text.toString('utf8')).slice(-8_000)));
  owned.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  });
  return () => (child.exitCode === null ? log : `samba ended with ${child.exitCode}: ${log}`);
}

/** Until it answers a TLS handshake, which the relay cannot do in its place. */
async function serving(port: number, log: () => string): Promise<void> {
  while (!(await shakesHands(port))) {
    if (log().startsWith('samba ended')) throw new Error(log());
    await sleep(100);
  }
}

function shakesHands(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
    socket.once('end', () => resolve(false));
  });
}

/** A port of the system's choice in the machine's own network, for one inside. */
async function relay(owned: AsyncDisposableStack, path: string): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((outer) => {
    const inner = connect(path);
    for (const socket of [outer, inner]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => {
        outer.destroy();
        inner.destroy();
      });
    }
    outer.pipe(inner).pipe(outer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  owned.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}
