import type { AuthorizedTarget } from '../access/index.ts';
import type { Credential, Secret } from '../credential/index.ts';
import type { Fault } from '../fault/index.ts';
import type { LoginMethod } from '../identity/index.ts';
import type { KeyStroke } from '../recording/index.ts';
import type { PresentedHostKey } from '../target/index.ts';
import type { Clock } from '../time/index.ts';
import type { FileChannel } from './files.ts';
import type { EngineManifest, LocalizedText, ParameterValues } from './manifest.ts';

/** The path of a connection, in order; the interface shows which step failed. */
export type ConnectStep = 'name' | 'route' | 'port' | 'handshake' | 'host-identity' | 'credential' | 'shell';

export interface DisplaySize {
  readonly columns: number;
  readonly rows: number;
}

/** What a person sends beside the surface's bytes. An engine ignores what its surface carries in its own stream. */
export type SurfaceControl = { readonly type: 'resize' } & DisplaySize;

export interface PromptField {
  /** Text of the target or of the product; untrusted, shown as plain text. */
  readonly text: string;
  /** False: what is typed is hidden. */
  readonly echo: boolean;
  /** Of the product's questions, in place of `text`. */
  readonly label?: LocalizedText;
  /** The answer is one of these. */
  readonly choices?: readonly string[];
}

/** A question to the person while the connection opens: the target's own (keyboard-interactive) or the product's (user name, password). */
export interface Prompt {
  readonly origin: 'target' | 'product';
  readonly title: string;
  readonly instruction: string;
  readonly fields: readonly PromptField[];
  /** The machine's credential is the password of the login, and this way of signing in left none. */
  readonly noLoginPassword?: LoginMethod;
}

/** One machine on the way, with what it needs. The last hop is the target itself. */
export interface Hop {
  readonly leave: AuthorizedTarget;
  /** Types of the keys pinned for this target, so that the engine asks it for one that can be compared; absent or empty where none is. */
  readonly pinnedKeyTypes?: readonly string[];
  /** Asked for only when the handshake needs it, after the host's identity was verified. @throws Fault CREDENTIAL_*, PROMPT_ABANDONED */
  credential(): Promise<Credential>;
  /** The password the person signed in with, for protocols whose own settings refer to it; undefined where the login was by other means. */
  loginPassword?(): Promise<Secret | undefined>;
  /** Resolves when the key is acceptable. INVARIANT: awaited before any credential is sent to this hop. @throws Fault HOST_KEY_* */
  verifyHostKey(presented: PresentedHostKey): Promise<void>;
}

/**
 * Where an engine delivers what the surface shows: that of the context for a session with one stream, that of the seat otherwise. Frames are handed over: the engine does not touch the bytes again.
 * The first may come before `open` has resolved.
 */
export interface EngineSink {
  output(bytes: Uint8Array): void;
}

export interface ConnectContext {
  /** In order of travel; the last one is the target. */
  readonly hops: readonly [Hop, ...Hop[]];
  readonly clock: Clock;
  /** Aborting ends the opening or the session at once. */
  readonly signal: AbortSignal;
  /** One answer a field. @throws Fault PROMPT_ABANDONED */
  ask(prompt: Prompt): Promise<readonly string[]>;
  progress(step: ConnectStep, target: string): void;
}

/** For a session that somebody looks at. */
export interface EngineContext extends ConnectContext {
  readonly sink: EngineSink;
  readonly display: DisplaySize;
}

/**
 * Facts for the session's details and the recording's head; none is secret. Of `encryption: none` and of `identity: unproven` the
 * session's bar warns.
 */
export type EngineFacts = Readonly<Record<string, string>>;

export interface SessionEnd {
  readonly reason: 'closed-by-user' | 'closed-by-target' | 'terminated' | 'expired' | 'failed';
  /** Exit status of a shell or command, where the protocol tells. */
  readonly exitCode?: number;
  /** Name of the signal that ended the shell or command, where the protocol tells. */
  readonly exitSignal?: string;
  readonly fault?: Fault;
}

/** Bytes of a surface, both ways. */
export interface EngineStream extends AsyncDisposable {
  /** Settles once, after the last output was delivered. Never rejects. */
  readonly ended: Promise<SessionEnd>;
  /** A viewer's bytes. False: the target is slow, stop until `inputDrained`. */
  input(bytes: Uint8Array): boolean;
  /** Called after an `input` that answered false, once more may be sent. */
  onInputDrained(resume: () => void): void;
  /** Stops reading from the target; the target feels it through its own flow control. */
  pause(): void;
  resume(): void;
}

/** What a session can do beside its surface. */
export interface SessionExtras {
  /** Opens the target's files under the session's own sign-in; absent where the protocol has none. @throws Fault FILES_UNAVAILABLE */
  readonly files?: () => Promise<FileChannel>;
}

/** A session whose surface can be shown from any moment on: one stream, which the controlling viewer writes and all viewers read. */
export interface EngineSession extends EngineStream, SessionExtras {
  readonly facts: EngineFacts;
  control(message: SurfaceControl): void;
}

/** A file that passes by the clipboard. */
export interface ClipboardFile {
  readonly direction: 'upload' | 'download';
  readonly name: string;
  /** As its owner says. */
  readonly size?: number;
}

/** What only the engine can tell from the bytes of a viewer's surface; it belongs between the outputs before and behind it. */
export type SeatEvent =
  /** A key, a pointer, a paste: the person is there. */
  | { readonly type: 'active' }
  /** A key that the target gets. */
  | { readonly type: 'key'; readonly stroke: KeyStroke }
  /** In pixels of the desktop; buttons as in a recording. */
  | { readonly type: 'pointer'; readonly x: number; readonly y: number; readonly buttons: number }
  | {
      readonly type: 'clipboard';
      readonly direction: 'upload' | 'download';
      readonly size: number;
      readonly sha256: Uint8Array;
    }
  /** The contents of a file begin to pass with the next bytes. The name is untrusted. */
  | ({ readonly type: 'file-began' } & ClipboardFile)
  /** No more of it passes. */
  | ({ readonly type: 'file-ended'; readonly isWhole: boolean; readonly bytes: number } & ClipboardFile & {
        /** Of the bytes that passed; absent where they passed in another order than the file's. */
        readonly sha256?: Uint8Array;
      })
  /** A viewer wanted to move files that they may not. */
  | { readonly type: 'file-denied'; readonly direction: 'upload' | 'download' }
  /** A viewer in control wanted to move text by the clipboard that they may not, or the machine gave them some by itself. */
  | { readonly type: 'clipboard-denied'; readonly direction: 'upload' | 'download' }
  /** What a decoder that begins at one of the next key frames must have heard before, message by message. */
  | { readonly type: 'preamble'; readonly messages: readonly Uint8Array[] }
  /** What is put out between the two draws all of the picture anew. */
  | { readonly type: 'key-frame'; readonly phase: 'begins' | 'whole' };

/** In which directions somebody may move what is on their own clipboard and on the machine's. */
export interface ClipboardRights {
  readonly upload: boolean;
  readonly download: boolean;
}

/** One viewer of a session whose decoder must see its stream from the beginning. */
export interface Seat {
  readonly mode: 'control' | 'watch';
  /** INVARIANT: nothing that a person does here reaches the target, whether they are in control or watch; no clipboard passes. */
  readonly viewOnly: boolean;
  /** What the person's grants allow. INVARIANT: the engine lets pass what both they and the machine's settings allow, and nobody's who watches. */
  readonly clipboard: ClipboardRights;
  /** The same of files, where the clipboard can hold them. */
  readonly clipboardFiles: ClipboardRights;
  /** Each `output` is one message to the viewer, at most 256 KiB. */
  readonly sink: EngineSink;
  /** A message that is no part of the picture: it comes in its turn, and no recording has it. It waits until what was noted of files is written down. */
  aside(bytes: Uint8Array): void;
  /** Resolves once what was noted of files is written down. */
  written(): Promise<void>;
  noted(event: SeatEvent): void;
}

/**
 * A session whose surface cannot be shown from its middle: compression, caches or handshakes span the stream, so each viewer gets one of its own.
 * INVARIANT: nothing that a watching seat types reaches the target; the engine sees to it, because only it can tell typing from the rest.
 */
export interface StreamedSession extends AsyncDisposable, SessionExtras {
  readonly facts: EngineFacts;
  /** What the machine's own settings allow, for whoever has the rights. */
  readonly clipboard: ClipboardRights;
  /** The same of files; absent where the clipboard holds none. */
  readonly clipboardFiles?: ClipboardRights;
  /** Settles when the target's side of the session is over, whoever looks. Never rejects. */
  readonly ended: Promise<SessionEnd>;
  /**
   * A stream for one more viewer. A second controlling one takes the place of the first, whose stream ends.
   * Disposing of a stream leaves the session as it is. The first output may come before this has resolved.
   * @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_*
   */
  join(seat: Seat): Promise<EngineStream>;
}

/** A machine as a file of the protocol's own describes it. */
export interface MachineInFile {
  readonly line: number;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly parameters: ParameterValues;
  readonly credential?: {
    readonly kind: 'password' | 'private-key';
    readonly username: string;
    readonly secret: Secret;
  };
  /** Why it cannot become a machine, each as a lower-case clause. */
  readonly problems: readonly string[];
}

export interface ProtocolEngine<Session extends EngineSession | StreamedSession = EngineSession> {
  readonly manifest: EngineManifest;
  /** @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_*, SHELL_REFUSED, PROMPT_ABANDONED */
  open(context: EngineContext): Promise<Session>;
  /** Where the manifest says `holdsFiles`: the target's files without a session on it. Disposing of the channel closes all that was opened for it. @throws Fault as `open`, FILES_UNAVAILABLE */
  openFiles?(context: ConnectContext): Promise<FileChannel>;
  /** Where the manifest names a file. @throws Fault INVALID_REQUEST for what is no such file at all */
  readFile?(text: string): readonly MachineInFile[];
}

export type AnyEngine = ProtocolEngine<EngineSession | StreamedSession>;

export function isStreamed(session: EngineSession | StreamedSession): session is StreamedSession {
  return 'join' in session;
}
