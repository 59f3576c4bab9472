import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);

const CA = 'basicConstraints=critical,CA:TRUE';
const PAST = { from: '20200101000000Z', until: '20200201000000Z' };

/** Certificates that differ from a good one in one thing each. The authority `trusted` is trusted by this process. */
export class TestAuthority implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<TestAuthority> {
    const authority = new TestAuthority(await mkdtemp(join(tmpdir(), 'enchilada-certificates-')));
    await authority.issue('trusted', { subject: '/CN=trusted', names: '', extensions: CA });
    await authority.issue('old', { issuer: 'trusted', subject: '/CN=old', names: '', extensions: CA, ...PAST });
    await authority.issue('strange', { subject: '/CN=strange', names: '', extensions: CA });
    await authority.issue('leaf', { issuer: 'trusted', subject: '/CN=leaf', extensions: 'basicConstraints=CA:FALSE' });
    const trusted = await readFile(authority.path('trusted.pem'), 'utf8');
    setDefaultCACertificates([...getCACertificates('default'), trusted]);
    return authority;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** As `openssl ca` issues it; only this command of Debian 12's OpenSSL takes both dates. */
  async issue(
    name: string,
    {
      issuer = name,
      subject = '/CN=localhost',
      names = 'DNS:localhost',
      extensions = '',
      from = '20200101000000Z',
      until = '20990101000000Z',
    },
  ): Promise<void> {
    const config = this.path(`${name}.cnf`);
    await writeFile(this.path(`${name}.index`), '');
    await writeFile(
      config,
      [
        ...[
          '[ca]',
          'default_ca=own',
          '[own]',
          `database=${this.path(`${name}.index`)}`,
          `new_certs_dir=${this.folder}`,
        ],
        ...['default_md=sha256', 'policy=any', 'rand_serial=yes', 'unique_subject=no', '[any]', 'commonName=supplied'],
        ...['[extensions]', ...(names === '' ? [] : [`subjectAltName=${names}`]), ...extensions.split(' ')],
      ].join('\n'),
    );
    const [key, request] = [this.path(`${name}.key`), this.path(`${name}.csr`)];
    await run('openssl', [
      ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-subj', subject, '-keyout', key, '-out', request],
    ]);
    await run('openssl', [
      ...['ca', '-batch', '-notext', '-config', config, '-extensions', 'extensions'],
      ...['-startdate', from, '-enddate', until, '-in', request, '-out', this.path(`${name}.pem`)],
      ...(issuer === name
        ? ['-selfsign', '-keyfile', key]
        : ['-cert', this.path(`${issuer}.pem`), '-keyfile', this.path(`${issuer}.key`)]),
    ]);
  }

  async chain(name: string, ...issuers: readonly string[]): Promise<string> {
    const parts = await Promise.all([name, ...issuers].map((part) => readFile(this.path(`${part}.pem`), 'utf8')));
    const file = this.path(`${name}.chain.pem`);
    await writeFile(file, parts.join(''));
    return file;
  }
}

/** Each is wrong in one thing: what it is called, how it is issued, and who comes with it. */
export const WRONG_CERTIFICATES = [
  ['signed by itself', {}, []],
  ['of an authority that nobody trusts', { issuer: 'strange' }, ['strange']],
  ['that has expired', { issuer: 'trusted', ...PAST }, []],
  ['of the future', { issuer: 'trusted', from: '20980101000000Z' }, []],
  ['for another name', { issuer: 'trusted', names: 'DNS:elsewhere.example' }, []],
  ['for its address and not its name', { issuer: 'trusted', subject: '/CN=desk', names: 'IP:127.0.0.1' }, []],
  ['for clients only', { issuer: 'trusted', extensions: 'extendedKeyUsage=clientAuth' }, []],
  ['issued by a certificate that is no authority', { issuer: 'leaf' }, ['leaf']],
  ['of an authority that has expired', { issuer: 'old' }, ['old']],
] as const;
