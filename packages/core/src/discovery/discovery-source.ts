import type { Secret } from '../credential/index.ts';
import type { Fault } from '../fault/index.ts';
import type { LocalizedText, ParameterField, ParameterValues } from '../engine/index.ts';

export type SourceKind = string;
export type SourceId = string;

/** One account (subscription, project, file) and region: what is listed, leased, rate-limited and declared stale as a whole. */
export interface Scope {
  readonly account: string;
  readonly region: string;
}

/** A scope and what people call its account. */
export interface NamedScope extends Scope {
  readonly accountName: string;
}

/** A scope as its source lists it. */
export interface ListedScope extends NamedScope {
  /** Why the account's other scopes are not listed: those that are known stay, and are said to be stale. */
  readonly unlisted?: Fault;
}

export type MachineState = 'pending' | 'running' | 'stopping' | 'stopped' | 'terminated';

/** What a describe call said. Every text is untrusted: people who may tag a machine chose it. */
export interface MachineFacts {
  readonly name: string;
  readonly platform: 'linux' | 'windows';
  readonly state: MachineState;
  /** In order of preference; a public one is never taken by itself. */
  readonly privateAddresses: readonly string[];
  readonly publicAddresses: readonly string[];
  readonly privateName?: string;
  readonly publicName?: string;
  readonly network?: string;
  /** What people call it; empty where it has no name, absent where that could not be learnt. Chosen by whoever may tag networks. */
  readonly networkName?: string;
  readonly subnet?: string;
  /** Where a scope spans regions: the machine's own. */
  readonly region?: string;
  readonly zone?: string;
  readonly image?: string;
  readonly size?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** What an inventory says itself; a rule's word stands above it. */
  readonly stated?: {
    readonly protocol?: string;
    readonly port?: number;
    /** Below the group of the source. */
    readonly group?: string;
  };
  readonly launchedAt?: number;
  /** Set where native ids are reused (names, paths): another value is another machine, and one that ended may turn out not to have. */
  readonly incarnation?: string;
}

/** INVARIANT: `observedAt` is read before the call is made, so that what is true later is never older. */
export interface Sighting {
  readonly nativeId: string;
  readonly observedAt: number;
  readonly facts: MachineFacts;
}

/** What an event is worth: somebody should look at this machine again. */
export interface Hint {
  readonly eventId: string;
  readonly scope: Scope;
  readonly nativeId: string;
  /** When it happened, by the cloud's clock. */
  readonly at: number;
  /** What the event claims; used only to judge whether an answer is older than the event. */
  readonly claimed?: MachineState;
  /** The same, of the tags that it changed; undefined: taken away. */
  readonly claimedTags?: Readonly<Record<string, string | undefined>>;
  readonly launchedBy?: string;
}

/** One message of a queue. Exactly one of the three ends it. */
export interface Delivery {
  /** Empty for a message that concerns no machine. @see problem */
  readonly hints: readonly Hint[];
  /** Why the message cannot be read; it goes to the dead-letter queue by its own redelivery limit. */
  readonly problem?: string;
  readonly attempt: number;
  acknowledge(): Promise<void>;
  retry(afterMs: number): Promise<void>;
}

/** Where hints come from: at least once, in no order, with losses. */
export interface HintQueue extends AsyncDisposable {
  /** Waits for messages; empty where none came in time. Keeps what it answered invisible to others until each is ended. */
  receive(signal: AbortSignal): Promise<readonly Delivery[]>;
}

/** A machine of a source, as the cloud knows it. */
export interface MachineReference {
  readonly scope: Scope;
  readonly nativeId: string;
  readonly zone?: string;
}

/** Who is let in: the account on the machine, and for the cloud's own log the person behind it. */
export interface Admission {
  readonly username: string;
  readonly person: string;
  /** One line, as in `authorized_keys`. */
  readonly publicKey: string;
}

/**
 * What a cloud does to let somebody in to a machine of its own. Failures are `Fault` with MACHINE_ACCESS_DENIED (the permission in the facts),
 * MACHINE_ACCESS_THROTTLED, MACHINE_ACCESS_FAILED, MACHINE_NOT_RUNNING, LAUNCH_PASSWORD_MISSING or LAUNCH_PASSWORD_KEY_WRONG.
 */
export interface MachineAccess {
  /** Lets in whoever holds the private half, for a minute or so. */
  admitKey(machine: MachineReference, admission: Admission): Promise<void>;
  /** The password that the cloud made at launch, opened with the private half of the machine's key pair. */
  launchPassword(
    machine: MachineReference,
    opening: { readonly person: string; readonly privateKey: Secret; readonly passphrase?: Secret },
  ): Promise<Secret>;
}

/**
 * One connected cloud or inventory. The rule: an event is a hint, `describe` is the truth, `scan` is the guarantee.
 * Failures are `Fault` with DISCOVERY_DENIED (a permission is missing, named in the facts), DISCOVERY_THROTTLED or DISCOVERY_FAILED.
 */
export interface DiscoverySource extends AsyncDisposable {
  /** Every scope the source may read. INVARIANT: what is known and not listed is retired, so that a part of the list is a Fault. @throws Fault */
  scopes(signal: AbortSignal): Promise<readonly ListedScope[]>;
  /** An account that may no longer be seen is left out without an error: what it held goes only when a person agrees. */
  readonly hidesScopes?: true;
  /** All machines of a scope, page by page. INVARIANT: it ends without throwing only when every page was read. */
  scan(scope: Scope, signal: AbortSignal): AsyncIterable<readonly Sighting[]>;
  /** What is known of the named machines, terminated ones too; a machine that is not known is left out. */
  describe(scope: Scope, nativeIds: readonly string[], signal: AbortSignal): Promise<readonly Sighting[]>;
  /**
   * What is wrong with accounts that let in whoever asks without the source's external id, and undefined for those that refuse; one of which neither
   * could be learnt is left out. Asked rarely: an account that is well logs that it refused. Absent where there is no such id.
   */
  readonly trustGaps?: (
    accounts: readonly string[],
    signal: AbortSignal,
  ) => Promise<ReadonlyMap<string, Fault | undefined>>;
  /** By account: what could not be read of late although its machines could. Absent where there is no such thing. */
  readonly shortfalls?: () => ReadonlyMap<string, Fault>;
  readonly hints: HintQueue | undefined;
  /** Absent where the source lets nobody in. */
  readonly access?: MachineAccess;
  /** How often `scopes` may be asked, where that costs nothing. */
  readonly scopesEveryMs?: number;
}

export interface SourceManifest {
  readonly kind: SourceKind;
  readonly label: LocalizedText;
  readonly parameters: readonly ParameterField[];
  /** Roles that are assumed ask for the source's external id. */
  readonly usesExternalId?: true;
}

/** Something to deploy in a cloud so that a source can read it. */
export interface OnboardingFile {
  readonly name: string;
  readonly text: string;
  /** Where and how it is deployed. */
  readonly use: LocalizedText;
  /** Lines of a shell that deploy it, one after the other; words in capitals are for the reader to replace. */
  readonly commands: readonly string[];
}

/** A kind of source: what its form asks for, and how one is opened. */
export interface SourceType {
  readonly manifest: SourceManifest;
  /** @throws Fault CONFIGURATION_INVALID where the settings contradict each other. */
  open(record: SourceRecord): Promise<DiscoverySource>;
  /** Absent where there is nothing to deploy. INVARIANT: asks for the permissions that are used and for no other. */
  onboarding?(record: SourceRecord): readonly OnboardingFile[];
  /** So many nodes ask the same accounts: together they make no more calls than one alone would. Absent where nothing limits calls. */
  shareAmong?(nodes: number): void;
}

/** A configured source. */
export interface SourceRecord {
  readonly id: SourceId;
  readonly kind: SourceKind;
  readonly name: string;
  readonly parameters: ParameterValues;
  readonly enabled: boolean;
  /** Tag keys that only trusted people can set; they become labels that grants may select. */
  readonly protectedTags: readonly string[];
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Made by us, different for each source and not editable: without it a role could be assumed on another's behalf (confused deputy, T47). */
export function externalIdOf(id: SourceId): string {
  return `enchilada-${id}`;
}
