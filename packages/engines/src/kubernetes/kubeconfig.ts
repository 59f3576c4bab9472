import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Secret } from '@enchilada/core/credential';
import type { MachineInFile, ParameterValue } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { type Document, parseDocument } from 'yaml';
import { isName } from './codec/index.ts';

type Fields = Readonly<Record<string, unknown>>;

const MOST_CONTEXTS = 1_000;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

/** The named entries of a list, each under the key that the file has for its kind. */
function named(value: unknown, key: string): ReadonlyMap<string, Fields> {
  const entries = Array.isArray(value) ? (value as readonly unknown[]) : [];
  return new Map(entries.map((entry) => [textOf(fieldsOf(entry)['name']), fieldsOf(fieldsOf(entry)[key])]));
}

/** What an alias stands for may be without end. @throws Fault INVALID_REQUEST */
function contentOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw new Fault('INVALID_REQUEST', 'in the file, aliases (*name) are not read; write what they stand for', {
      cause,
    });
  }
}

/**
 * The contexts of a [kubeconfig](https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/) as machines. Files and programs that it names
 * are those of whoever wrote it: they are neither read nor run.
 */
export function readKubeconfig(text: string): readonly MachineInFile[] {
  const document = parseDocument(text, { uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined)
    throw new Fault('INVALID_REQUEST', `the file is no YAML: ${problem.message.split('\n')[0] ?? ''}`);
  const file = fieldsOf(contentOf(document));
  if (textOf(file['kind']) !== 'Config' || !Array.isArray(file['contexts']))
    throw new Fault('INVALID_REQUEST', 'the file is no kubeconfig: kind must be Config, with a list of contexts');
  const clusters = named(file['clusters'], 'cluster');
  const users = named(file['users'], 'user');
  return [...named(file['contexts'], 'context')]
    .slice(0, MOST_CONTEXTS)
    .map(([name, context], index) => machineOf({ name, line: index + 1, context, clusters, users }));
}

function machineOf(entry: {
  readonly name: string;
  readonly line: number;
  readonly context: Fields;
  readonly clusters: ReadonlyMap<string, Fields>;
  readonly users: ReadonlyMap<string, Fields>;
}): MachineInFile {
  const problems: string[] = [];
  const parameters: Record<string, ParameterValue> = {};
  const cluster = entry.clusters.get(textOf(entry.context['cluster']));
  const user = entry.users.get(textOf(entry.context['user']));
  const namespace = textOf(entry.context['namespace']);
  if (namespace !== '') {
    if (isName(namespace)) parameters['namespace'] = namespace;
    else problems.push('namespace is no name');
  }
  if (cluster === undefined) problems.push('cluster names none of the file');
  const address = addressOf(cluster, problems);
  trustOf(cluster ?? {}, { parameters, problems });
  if (user === undefined) problems.push('user names none of the file');
  const credential = user === undefined ? undefined : credentialOf(user, { parameters, problems });
  return {
    line: entry.line,
    name: entry.name,
    ...address,
    parameters,
    problems,
    ...(credential === undefined ? {} : { credential }),
  };
}

interface Found {
  readonly parameters: Record<string, ParameterValue>;
  readonly problems: string[];
}

function addressOf(cluster: Fields | undefined, problems: string[]): { readonly host: string; readonly port: number } {
  const server = textOf(cluster?.['server']);
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined || url.protocol !== 'https:' || (url.pathname !== '/' && url.pathname !== '')) {
    if (cluster !== undefined) problems.push('server must be an https address without a path');
    return { host: '', port: 443 };
  }
  return { host: url.hostname.replace(/^\[|\]$/gu, ''), port: url.port === '' ? 443 : Number(url.port) };
}

function trustOf(cluster: Fields, { parameters, problems }: Found): void {
  const authority = textOf(cluster['certificate-authority-data']);
  if (authority !== '') {
    const lines = certificateLines(authority);
    if (lines === undefined) problems.push('certificate-authority-data is no certificate in base64');
    else parameters['certificateAuthority'] = lines;
  }
  if (textOf(cluster['certificate-authority']) !== '')
    problems.push(
      'certificate-authority names a file; write it into the kubeconfig with kubectl config view --flatten',
    );
  if (textOf(cluster['proxy-url']) !== '') problems.push('proxy-url is not supported; use a jump host');
  const serverName = textOf(cluster['tls-server-name']);
  if (serverName !== '') parameters['serverName'] = serverName;
}

function credentialOf(user: Fields, { parameters, problems }: Found): MachineInFile['credential'] {
  const token = textOf(user['token']);
  if (token !== '') return { kind: 'password', username: '', secret: new Secret(token) };
  const key = textOf(user['client-key-data']);
  const certificate = textOf(user['client-certificate-data']);
  if (key !== '' && certificate !== '') {
    const lines = certificateLines(certificate);
    const pem = Buffer.from(key, 'base64').toString('utf8');
    if (lines === undefined) problems.push('client-certificate-data is no certificate in base64');
    else parameters['clientCertificate'] = lines;
    if (!isPrivateKey(pem)) problems.push('client-key-data is no private key in base64');
    else return { kind: 'private-key', username: '', secret: new Secret(pem) };
    return undefined;
  }
  for (const name of ['tokenFile', 'client-key', 'client-certificate'])
    if (textOf(user[name]) !== '')
      problems.push(`${name} names a file; write it into the kubeconfig with kubectl config view --flatten`);
  if (user['exec'] !== undefined || user['auth-provider'] !== undefined)
    problems.push('the user signs in with a program, which is never run; use a service-account token');
  if (textOf(user['username']) !== '') problems.push('user name and password are not taken by API servers any more');
  return undefined;
}

function certificateLines(base64: string): readonly string[] | undefined {
  const pem = Buffer.from(base64, 'base64').toString('utf8');
  try {
    new X509Certificate(pem);
  } catch {
    return undefined;
  }
  // What stands between the certificates are comments.
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/gu) ?? [];
  return blocks.flatMap((block) => block.split(/\r?\n/u)).filter((line) => line !== '');
}

function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}
