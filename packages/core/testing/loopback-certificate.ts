import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';

/** A certificate for 127.0.0.1: the SDK sends tokens over TLS alone. */
export class LoopbackCertificate implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'enchilada-certificate-'));
  readonly certFile = join(this.#folder, 'cert.pem');
  readonly keyFile = join(this.#folder, 'key.pem');

  constructor() {
    const names = ['-subj', '/CN=loopback', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', this.keyFile];
    execFileSync('openssl', ['req', '-x509', ...key, '-out', this.certFile, ...names], { stdio: 'ignore' });
  }

  get cert(): string {
    return readFileSync(this.certFile, 'utf8');
  }

  get key(): string {
    return readFileSync(this.keyFile, 'utf8');
  }

  /** For this process; others take NODE_EXTRA_CA_CERTS. */
  trust(): void {
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), this.cert]);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
