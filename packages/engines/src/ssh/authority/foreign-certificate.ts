import { createHash } from 'node:crypto';
import type { CertificateRequest } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { CERTIFICATE_TYPE, USER_CERTIFICATE, extensionOf } from './user-certificate.ts';

/** An authority may be a little ahead of us, or round up. */
const SLACK_SECONDS = 90;

export interface ReadCertificate {
  readonly serial: bigint;
  /** Fingerprint of the key that signed it. */
  readonly authority: string;
}

/**
 * What somebody outside signed, compared with what was asked for. INVARIANT: no more names, no longer, nothing else permitted, and said to be for this person
 * and session; the machine would believe whatever stands there.
 * @throws Fault SECRET_STORE_DENIED naming what differs
 */
export function readForeignCertificate(
  line: string,
  { request, publicKey }: { readonly request: CertificateRequest; readonly publicKey: Uint8Array },
): ReadCertificate {
  const [type, body = '', ...more] = line.split(' ');
  if (type !== CERTIFICATE_TYPE || more.length > 1)
    throw differs(`a certificate of the type ${String(type).slice(0, 64)}`);
  const reader = new Reader(Buffer.from(body, 'base64'));
  if (reader.text() !== CERTIFICATE_TYPE) throw differs('a certificate of two types');
  reader.string();
  if (Buffer.compare(reader.string(), publicKey) !== 0) throw differs('another key');
  const serial = reader.uint64();
  if (reader.uint32() !== USER_CERTIFICATE) throw differs('a certificate for a host');
  const keyId = reader.text();
  if (keyId !== request.keyId) throw differs(`the key id ${keyId.slice(0, 100)}; the role must allow key ids of ours`);
  const principals = new Reader(reader.string()).texts();
  const strange = principals.find((principal) => !request.principals.includes(principal));
  // None would be all.
  if (principals.length === 0 || strange !== undefined) throw differs(`the name ${strange ?? 'of everybody'}`);
  reader.uint64();
  const until = Number(reader.uint64());
  if (until > request.notAfter / 1_000 + SLACK_SECONDS) throw differs('a longer time');
  const options = new Reader(reader.string()).pairs();
  const networks = request.sourceNetworks.join(',');
  if (
    [...options.keys()].some((name) => name !== 'source-address') ||
    (options.get('source-address') ?? '') !== networks
  )
    throw differs(`the options ${[...options.keys()].join(', ') || 'without source-address'}`);
  const extensions = [...new Reader(reader.string()).pairs().keys()];
  const permitted = extensionOf(request);
  if (extensions.some((name) => name !== permitted)) throw differs(`the permissions ${extensions.join(', ')}`);
  reader.string();
  const authority = createHash('sha256').update(reader.string()).digest('base64').replace(/=+$/u, '');
  return { serial, authority: `SHA256:${authority}` };
}

function differs(what: string): Fault {
  return new Fault('SECRET_STORE_DENIED', `the authority outside signed something else than was asked for: ${what}`, {
    facts: { permission: 'what the role may sign' },
  });
}

/** RFC 4251 section 5. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw differs('a certificate that is cut');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  string(): Buffer {
    return this.#take(this.uint32());
  }

  text(): string {
    return this.string().toString('utf8');
  }

  texts(): readonly string[] {
    const texts: string[] = [];
    while (this.#at < this.#bytes.length) texts.push(this.text());
    return texts;
  }

  /** Options: their data is a string of its own inside the string. */
  pairs(): ReadonlyMap<string, string> {
    const pairs = new Map<string, string>();
    while (this.#at < this.#bytes.length) {
      const name = this.text();
      const data = this.string();
      pairs.set(name, data.length === 0 ? '' : new Reader(data).text());
    }
    return pairs;
  }
}
