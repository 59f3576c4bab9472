import type { CredentialId } from '../credential/index.ts';
import type { ParameterValues, ProtocolId } from '../engine/index.ts';

export type TargetId = string;
export type TargetGroupId = string;

/** `deny`: only pinned keys. `ask`: the person sees the fingerprint. `trust-first`: the first key seen is pinned, audited. */
export const HOST_KEY_POLICIES = ['deny', 'ask', 'trust-first'] as const;
export type HostKeyPolicy = (typeof HOST_KEY_POLICIES)[number];

/** A machine people can open (Guacamole: connection). */
export interface Target {
  readonly id: TargetId;
  readonly name: string;
  readonly protocol: ProtocolId;
  readonly host: string;
  readonly port: number;
  readonly groupId: TargetGroupId | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly description: string;
  /** Values for the engine's parameter schema. INVARIANT: no secret among them. */
  readonly parameters: ParameterValues;
  readonly credentialId: CredentialId | undefined;
  /** The hop before this one; the chain ends where it is absent. */
  readonly jumpTargetId: TargetId | undefined;
  /** Where a session on this machine finds its files: a machine of a protocol that has some. It decides by its own grants who gets at them. */
  readonly filesTargetId?: TargetId | undefined;
  readonly hostKeyPolicy: HostKeyPolicy;
  /** Opening it asks for a second factor that was given at most so many minutes ago. Absent: sign-in is enough. */
  readonly proofMinutes?: number | undefined;
  /** Names a machine that lives inside the gateway and is reached by a stream pair, never by TCP. */
  readonly builtIn: string | undefined;
  /** Since when discovery says it is gone. Nobody sees it or opens it; its grants, keys and history wait for its return. */
  readonly goneAt: number | undefined;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface TargetGroup {
  readonly id: TargetGroupId;
  readonly parentId: TargetGroupId | undefined;
  readonly name: string;
}

export type HostKeyState = 'pinned' | 'revoked';

/** A key a target may (or may no longer) identify itself with. Keyed by target, key type and the whole key, never by address. */
export interface HostKey {
  readonly targetId: TargetId;
  /** As in the protocol, for example `ssh-ed25519`. */
  readonly keyType: string;
  readonly key: Uint8Array;
  /** `SHA256:` and base64 without padding, as OpenSSH prints it. */
  readonly fingerprint: string;
  readonly state: HostKeyState;
  readonly pinnedAt: number;
  /** Who or what decided: a user id, or `trust-first`. */
  readonly pinnedBy: string;
}
