import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';
import { ensurePackage, issueCertificate, type ServerCertificate } from './database-server.ts';

const execute = promisify(execFile);
const SLAPD = '/usr/sbin/slapd';
const ADMIN_DN = 'cn=admin,dc=example,dc=test';
const ADMIN_PASSWORD = 'the-searcher';

/** A real OpenLDAP with people, nested groups and a password policy's flag. */
export interface Slapd extends AsyncDisposable {
  /** The server's name in its certificate. */
  readonly host: string;
  /** LDAPS, and LDAP with StartTLS. */
  readonly ldapsPort: number;
  readonly ldapPort: number;
  /** The authority to trust, in PEM. */
  readonly ca: string;
  readonly searcher: { readonly dn: string; readonly password: string };
  /** Changes entries, as ldapmodify takes them. */
  modify(ldif: string): Promise<void>;
}

export interface SlapdOptions {
  readonly certificate?: Pick<ServerCertificate, 'ca' | 'certificate' | 'key'>;
}

const CONFIGURATION = (folder: string): string => `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile ${folder}/pid
TLSCACertificateFile ${folder}/ca.pem
TLSCertificateFile ${folder}/cert.pem
TLSCertificateKeyFile ${folder}/key.pem
# Nothing is told without encryption.
security tls=1
database mdb
directory ${folder}/db
suffix dc=example,dc=test
rootdn ${ADMIN_DN}
rootpw ${ADMIN_PASSWORD}
overlay ppolicy
ppolicy_default cn=policy,dc=example,dc=test
access to attrs=userPassword by anonymous auth by self write by * none
access to * by users read by * none
`;

const person = (uid: string, words: string): string => `
dn: uid=${uid},ou=people,dc=example,dc=test
objectClass: inetOrgPerson
uid: ${uid}
cn: ${words}
sn: ${uid}
displayName: ${words}
mail: ${uid}@example.test
userPassword: password of ${uid}
`;
const group = (cn: string, member: string, above = 'ou=groups,'): string => `
dn: cn=${cn},${above}dc=example,dc=test
objectClass: groupOfNames
cn: ${cn}
member: ${member}
`;

const ENTRIES = `
dn: dc=example,dc=test
objectClass: dcObject
objectClass: organization
o: example
dc: example

dn: ou=people,dc=example,dc=test
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=test
objectClass: organizationalUnit
ou: groups

dn: cn=policy,dc=example,dc=test
objectClass: pwdPolicy
objectClass: device
cn: policy
pwdAttribute: userPassword
pwdMinLength: 12
pwdCheckQuality: 2
pwdMustChange: TRUE
${person('alice', 'Alice Ämter')}${person('bob', 'Bob')}${person('mona', 'Mona Must')}${group('ops', 'uid=alice,ou=people,dc=example,dc=test')}${group('staff', 'cn=ops,ou=groups,dc=example,dc=test')}${group('everyone', 'cn=staff,ou=groups,dc=example,dc=test')}${group('loop', 'cn=loop,ou=groups,dc=example,dc=test')}${group('ops', 'uid=bob,ou=people,dc=example,dc=test', '')}`;

export async function startSlapd(options: SlapdOptions = {}): Promise<Slapd> {
  await ensurePackage('slapd', SLAPD);
  await ensurePackage('ldap-utils', '/usr/bin/ldapmodify');
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-slapd-'));
  const { ca, certificate, key } = options.certificate ?? (await issueCertificate('localhost'));
  await mkdir(join(folder, 'db'));
  await Promise.all([
    writeFile(join(folder, 'ca.pem'), ca),
    writeFile(join(folder, 'cert.pem'), certificate),
    writeFile(join(folder, 'key.pem'), key, { mode: 0o600 }),
    writeFile(join(folder, 'slapd.conf'), CONFIGURATION(folder)),
    writeFile(join(folder, 'entries.ldif'), ENTRIES),
  ]);
  const conf = join(folder, 'slapd.conf');
  await execute('/usr/sbin/slapadd', ['-q', '-f', conf, '-l', join(folder, 'entries.ldif')]);
  const [ldapPort, ldapsPort] = [await freePort(), await freePort()];
  const urls = `ldap://127.0.0.1:${ldapPort} ldaps://127.0.0.1:${ldapsPort}`;
  const child: ChildProcess = spawn(SLAPD, ['-d', '0', '-f', conf, '-h', urls], { stdio: 'ignore' });
  while (!(await answers(ldapsPort))) {
    if (child.exitCode !== null) throw new Error(`slapd ended with ${child.exitCode}`);
    await sleep(50);
  }
  return {
    host: 'localhost',
    ldapPort,
    ldapsPort,
    ca,
    searcher: { dn: ADMIN_DN, password: ADMIN_PASSWORD },
    async modify(ldif) {
      const file = join(folder, 'change.ldif');
      await writeFile(file, ldif);
      // The test's own tool on the test's own machine.
      const env = { ...process.env, LDAPTLS_REQCERT: 'never' };
      const url = `ldaps://127.0.0.1:${ldapsPort}`;
      await execute('/usr/bin/ldapmodify', ['-x', '-H', url, '-D', ADMIN_DN, '-w', ADMIN_PASSWORD, '-f', file], {
        env,
      });
    },
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
