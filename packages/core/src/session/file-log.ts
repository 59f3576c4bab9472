import { pathText } from '../engine/index.ts';
import type { ClipboardFile, PathBytes } from '../engine/index.ts';
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

/** What passed of a file. */
export interface PassedFile {
  readonly bytes: number;
  readonly isWhole: boolean;
  readonly sha256?: Uint8Array;
}

export interface Begun {
  readonly size: number | undefined;
  readonly offset: number;
}

/** Why there is no hash. */
const UNORDERED = 'read out of order';

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

  /** Of text. */
  async clipboardDenied(direction: TransferDirection): Promise<void> {
    const { sessionId } = this.#parts;
    await this.#audit({ action: 'clipboard.denied', outcome: 'denied', detail: { sessionId, direction } });
  }

  /** With an offset where a download goes on. */
  async started(transfer: Transfer, { size, offset }: Begun): Promise<void> {
    await this.#audit({
      action: 'file.transfer-started',
      outcome: 'success',
      detail: { ...this.#detailOf(transfer), ...from(offset), ...(size === undefined ? {} : { size }) },
    });
  }

  /** As far as it came: size and hash of all that passed, of which what follows the offset passed now. */
  async finished(transfer: Transfer, failure: string | undefined, offset = 0): Promise<void> {
    if (!transfer.hasArrived) await this.#record(transfer);
    await this.#audit({
      action: 'file.transferred',
      ...outcomeOf(failure),
      detail: { ...this.#passedOf(transfer), ...from(offset) },
    });
  }

  /** All of an upload is on the machine, and it is about to get its name; what became of that is told by `finished`. */
  async arrived(transfer: Transfer): Promise<void> {
    await this.#record(transfer);
    await this.#audit({ action: 'file.arrived', outcome: 'success', detail: this.#passedOf(transfer) });
  }

  /** A file that begins to pass by the clipboard. */
  async clipboardBegan({ direction, name, size }: ClipboardFile): Promise<void> {
    await this.#audit({
      action: 'file.transfer-started',
      outcome: 'success',
      detail: { ...this.#clipboardDetail(direction, name), ...(size === undefined ? {} : { size }) },
    });
  }

  /** As far as it came. Without a hash the recording has a line of text: its events of files hold one. */
  async clipboardEnded({ direction, name }: ClipboardFile, passed: PassedFile): Promise<void> {
    const { bytes: size, sha256, isWhole } = passed;
    await this.#parts.record(
      sha256 === undefined
        ? { kind: 'marker', text: `${direction} of ${name}: ${size} bytes, ${UNORDERED}` }
        : { kind: 'file', name, size, sha256, direction },
    );
    await this.#audit({
      action: 'file.transferred',
      ...outcomeOf(isWhole ? undefined : 'interrupted'),
      detail: {
        ...this.#clipboardDetail(direction, name),
        size,
        ...(sha256 === undefined ? { hashMissing: UNORDERED } : { sha256: hexOf(sha256) }),
      },
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

  async #record({ direction, passed, path }: Transfer): Promise<void> {
    const [size, sha256] = [passed.size, passed.digest()];
    await this.#parts.record({ kind: 'file', name: pathText(path), size, sha256, direction });
  }

  #passedOf(transfer: Transfer): Readonly<Record<string, string | number>> {
    const { passed } = transfer;
    return { ...this.#detailOf(transfer), size: passed.size, sha256: hexOf(passed.digest()) };
  }

  #clipboardDetail(direction: TransferDirection, name: string): Readonly<Record<string, string>> {
    return { sessionId: this.#parts.sessionId, direction, path: cut(name), by: 'clipboard' };
  }

  #detailOf({ direction, path }: Transfer): Readonly<Record<string, string>> {
    return { sessionId: this.#parts.sessionId, direction, path: shown(path) };
  }
}

function from(offset: number): Readonly<Record<string, number>> {
  return offset === 0 ? {} : { offset };
}

function outcomeOf(failure: string | undefined): Pick<SessionAuditEvent, 'outcome' | 'reason'> {
  return failure === undefined ? { outcome: 'success' } : { outcome: 'failure', reason: failure };
}

/** A path of bytes that nobody can read is up to four times as long as text. */
function shown(path: PathBytes): string {
  return cut(pathText(path));
}

function cut(text: string): string {
  return text.length > 2_048 ? `${text.slice(0, 2_048)}…` : text;
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
