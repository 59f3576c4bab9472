import type { AuditLog } from '../audit/index.ts';
import type {
  CertificateAuthority,
  Credential,
  CredentialIssuer,
  CredentialKind,
  CredentialVault,
} from '../credential/index.ts';
import type { AnyEngine, ProtocolId } from '../engine/index.ts';
import type { LoginLimits } from '../identity/index.ts';
import type { Recorder } from '../recording/index.ts';
import type { Store } from '../store/index.ts';
import type { PresentedHostKey, Target } from '../target/index.ts';
import type { Clock, RandomSource } from '../time/index.ts';
import type { DesktopInputPolicy } from './desktop-input.ts';
import type { InputPolicy } from './input-recording.ts';
import type { RunningHash } from './passed-bytes.ts';
import type { SessionLimits } from './limits.ts';
import type { ScreenHistories } from './screen-history.ts';

/** What the metrics hear. */
export type BrokerObservation =
  | { readonly type: 'opened'; readonly ms: number }
  | { readonly type: 'ended'; readonly reason: string }
  | { readonly type: 'viewer'; readonly change: 1 | -1 };

export interface RecordingPolicy {
  /** `off` is a named weakening (`recording.mode: off`). */
  readonly mode: 'strict' | 'off';
  /** Grants may let sessions go unrecorded: a named weakening (`recording.allowExempt`). */
  readonly allowExempt: boolean;
  readonly input: InputPolicy;
  readonly desktopInput: DesktopInputPolicy;
  readonly retentionMs: number;
}

/** A machine inside the gateway: what it proves itself with and what it takes, both made at start. */
export interface BuiltInIdentity {
  readonly credential: Credential;
  readonly hostKey: PresentedHostKey;
}

/** What was learnt of a machine right before it is dialled. */
export interface FreshLook {
  /** The catalog says something else of it than before: ask it again. */
  readonly isChanged: boolean;
  /** For the audit log: another address, or why nothing could be learnt. */
  readonly note?: string;
}

/** The ports that the broker joins. */
export interface BrokerParts {
  readonly nodeId: string;
  readonly softwareVersion: string;
  readonly store: Store;
  readonly audit: AuditLog;
  readonly vault: CredentialVault;
  /** For kinds that nobody here keeps. */
  readonly issuers: ReadonlyMap<CredentialKind, CredentialIssuer>;
  readonly authority: CertificateAuthority;
  readonly engines: ReadonlyMap<ProtocolId, AnyEngine>;
  /**
   * Asks whoever found a machine about it where that was not done lately: another may have its address by now. Absent where nothing is found.
   * @throws Fault MACHINE_GONE, MACHINE_NOT_RUNNING
   */
  readonly lookAgain?: (target: Target, signal: AbortSignal) => Promise<FreshLook>;
  readonly builtIns: ReadonlyMap<string, BuiltInIdentity>;
  readonly recorder: Recorder;
  readonly recording: RecordingPolicy;
  readonly histories: ScreenHistories;
  readonly limits: SessionLimits;
  readonly sessionsPerUser: number;
  /** A named weakening (`egress.allowCleartext`). */
  readonly allowCleartext: boolean;
  readonly loginLimits: () => LoginLimits;
  /** False while the other nodes may not rely on this one: it takes no sessions. */
  readonly isMember: () => Promise<boolean>;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Lower-case hex SHA-256, for tickets. */
  readonly digest: (text: string) => string;
  /** SHA-256 of files as they pass. */
  readonly hasher: () => RunningHash;
  /** Held while the bytes of a file pass. */
  readonly passing: () => Disposable;
  readonly observe: (observation: BrokerObservation) => void;
  /** For the log: a failure that no person can be told about. */
  readonly report: (message: string, cause: unknown) => void;
}
