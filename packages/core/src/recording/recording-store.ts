import type { RecordingId } from './recorder.ts';

export interface StoredObject {
  readonly name: string;
  readonly size: number;
}

/**
 * Where sealed objects live: a folder, a bucket. Names are those of `layout.ts`, parts separated by `/`.
 * INVARIANT: an object is written once; nothing changes it, and only retention removes it.
 */
export interface RecordingStore {
  /**
   * Resolves when the bytes are durable and were read back equal. `identical` where the same bytes are there already, as after a lost reply.
   * @throws Fault CONFLICT where other bytes are there, RECORDING_STORE_FULL, RECORDER_FAILED
   */
  put(name: string, bytes: Uint8Array): Promise<'stored' | 'identical'>;
  /** Undefined where there is no such object. @throws Fault RECORDING_DAMAGED past `maxBytes`, read before allocating */
  get(name: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** All objects below the folder `prefix`, by name in code-unit order. Half-written objects never appear. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** The recording's folder, or undefined. */
  locate(id: RecordingId): Promise<string | undefined>;
  /** Infinity where there is no such limit. */
  freeBytes(): Promise<number>;
  /** Removes recordings that started on a UTC day before that of `before` and have ended; the caller audits what is returned. */
  retire(before: number): Promise<readonly RecordingId[]>;
}
