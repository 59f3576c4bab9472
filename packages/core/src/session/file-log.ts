import { pathText } from '../engine/index.ts';
import type { PathBytes } from '../engine/index.ts';
import type { RecordingEvent, TransferDirection } from '../recording/index.ts';
import type { FileChange } from './file-change.ts';
import type { Transfer } from './file-transfers.ts';
import type { SessionAuditEvent } from './session-log.ts';

export interface FileLogParts {
  readonly audit: (event: SessionAuditEvent) => Promise<unknown>;
  /** Resolves once the recorder has accepted the event. */
  readonly record: (event: RecordingEvent) => Promise<void>;
  readonly target: { readonly id: string; readonly name: string };
  readonly sessionId: string;
}

/** What is written down of a session's files: each transfer in the recording and in the audit log, each change in the latter. */
export class FileLog {
  readonly #parts: FileLogParts;

  constructor(parts: FileLogParts) {
    this.#parts = parts;
  }

  async denied(direction: TransferDirection): Promise<void> {
    const { sessionId } = this.#parts;
    await this.#audit({ action: 'file.denied', outcome: 'denied', detail: { sessionId, direction } });
  }

  async started(transfer: Transfer, size: number | undefined): Promise<void> {
    await this.#audit({
      action: 'file.transfer-started',
      outcome: 'success',
      detail: { ...this.#detailOf(transfer), ...(size === undefined ? {} : { size }) },
    });
  }

  /** As far as it came. */
  async finished(transfer: Transfer, failure: string | undefined): Promise<void> {
    const sha256 = transfer.hash.digest();
    const { direction, hashed: size, path } = transfer;
    await this.#parts.record({ kind: 'file', name: pathText(path), size, sha256, direction });
    await this.#audit({
      action: 'file.transferred',
      ...outcomeOf(failure),
      detail: { ...this.#detailOf(transfer), size, sha256: hexOf(sha256) },
    });
  }

  async changed(request: FileChange, failure: string | undefined): Promise<void> {
    await this.#audit({
      action: 'file.changed',
      ...outcomeOf(failure),
      detail: {
        sessionId: this.#parts.sessionId,
        change: request.change,
        path: shown(request.path),
        ...(request.change === 'rename' ? { to: shown(request.to) } : {}),
        ...(request.change === 'mode' ? { mode: request.mode.toString(8).padStart(4, '0') } : {}),
      },
    });
  }

  async #audit(event: Omit<SessionAuditEvent, 'object'>): Promise<void> {
    await this.#parts.audit({ ...event, object: { kind: 'target', ...this.#parts.target } });
  }

  #detailOf({ direction, path }: Transfer): Readonly<Record<string, string>> {
    return { sessionId: this.#parts.sessionId, direction, path: shown(path) };
  }
}

function outcomeOf(failure: string | undefined): Pick<SessionAuditEvent, 'outcome' | 'reason'> {
  return failure === undefined ? { outcome: 'success' } : { outcome: 'failure', reason: failure };
}

/** A path of bytes that nobody can read is up to four times as long as text. */
function shown(path: PathBytes): string {
  const text = pathText(path);
  return text.length > 2_048 ? `${text.slice(0, 2_048)}…` : text;
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
