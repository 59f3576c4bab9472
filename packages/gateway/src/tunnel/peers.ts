import { randomBytes } from 'node:crypto';
import type { TunnelKind } from '@enchilada/contract';
import { SecretBytes, Secret } from '@enchilada/core/credential';
import type { KeyEncryption } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { identifyLogin } from '@enchilada/core/identity';
import type { LoginLimits } from '@enchilada/core/identity';
import type { Redeemed } from '@enchilada/core/session';
import type { Store } from '@enchilada/core/store';
import type { TunnelCaller } from './attach-tunnel.ts';

/** What one node tells another when it passes a viewer on. Checked by the node that holds the session; nothing in it is secret. */
interface PeerClaims extends Redeemed {
  readonly kind: PeerKind;
  readonly loginDigest: string;
  readonly address: string;
  readonly to: string;
  readonly expiresAt: number;
  readonly hasPassword: boolean;
}

export interface PeersOptions {
  readonly nodeId: string;
  readonly store: Store;
  /** Nodes of one installation share the key-encryption key: who can wrap under it is one of them. */
  readonly keyEncryption: KeyEncryption;
  /** Asked each time: the settings may change them. */
  readonly loginLimits: () => LoginLimits;
}

/** What is passed on: one of a viewer's two sockets, or a request about the session. */
export type PeerKind = TunnelKind | 'request';

export interface PeerCall {
  readonly redeemed: Redeemed;
  readonly kind: PeerKind;
  readonly caller: TunnelCaller;
}

const TOKEN_MS = 15_000;
const TOKEN_MAX = 16_384;
const CONTEXT = 'peer-viewer:';

/**
 * Any node serves any request: a socket or a request about a session that arrives at a node which does not hold the session is passed on to the one that does.
 * The token is a random value (or the sign-in password of the person) wrapped under the key-encryption key with the claims as context,
 * so it proves membership, binds every claim and is used once.
 */
export class Peers {
  readonly #options: PeersOptions;
  readonly #used = new Map<string, number>();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Where another node is reached. @throws Fault SESSION_ELSEWHERE */
  async urlOf(nodeId: string): Promise<string> {
    const node = (await this.#options.store.now.nodes.list()).find(({ id }) => id === nodeId);
    if (node === undefined || node.url === '') throw new Fault('SESSION_ELSEWHERE', `node ${nodeId} tells no address`);
    return node.url;
  }

  async token(to: string, { redeemed, kind, caller }: PeerCall): Promise<string> {
    const password = kind === 'control' ? await caller.loginPassword() : undefined;
    const claims: PeerClaims = {
      ...redeemed,
      kind,
      loginDigest: caller.identity.login.digest,
      address: caller.address,
      to,
      expiresAt: (await this.#options.store.clock()) + TOKEN_MS,
      hasPassword: password !== undefined,
    };
    const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
    using value = new SecretBytes(password === undefined ? randomBytes(32) : Buffer.from(password.reveal()));
    const { keyId, bytes } = await this.#options.keyEncryption.wrap(value, CONTEXT + text);
    return `${text}.${Buffer.from(keyId).toString('base64url')}.${Buffer.from(bytes).toString('base64url')}`;
  }

  /**
   * INVARIANT: what a stranger can send is held against what is known here before the key is asked, which may be a service that counts and charges each
   * question; until then the claims are worth nothing. Whoever knows no login of somebody gets no further.
   * @throws Fault UNAUTHENTICATED
   */
  async accept(token: string): Promise<PeerCall> {
    const { store, keyEncryption, nodeId, loginLimits } = this.#options;
    const { text, keyId, proof, claims } = readToken(token);
    // By its bytes: base64url writes the same ones in several ways.
    const once = proof.toString('hex');
    if (claims.to !== nodeId || this.#used.has(once)) throw refused();
    const now = await store.clock();
    // Twice as long as any is good for: the database's clock may have been set back.
    if (!(claims.expiresAt > now && claims.expiresAt <= now + 2 * TOKEN_MS)) throw refused();
    const found = await store.now.logins.findWithUser(claims.loginDigest);
    const identity = found === undefined ? undefined : identifyLogin(found, loginLimits(), now);
    if (identity === undefined) throw refused();
    using value = await keyEncryption.unwrap({ keyId, bytes: proof }, CONTEXT + text).catch((cause: unknown) => {
      throw refused(cause);
    });
    // Another one may have come with it meanwhile.
    if (this.#used.has(once)) throw refused();
    for (const [old, expiresAt] of this.#used) if (expiresAt <= now) this.#used.delete(old);
    this.#used.set(once, claims.expiresAt);
    const password = claims.hasPassword ? new Secret(Buffer.from(value.reveal()).toString()) : undefined;
    const { sessionId, viewerId, mode, kind, address } = claims;
    return {
      redeemed: { sessionId, viewerId, mode },
      kind,
      caller: { identity, address, loginPassword: () => Promise.resolve(password) },
    };
  }
}

function refused(cause?: unknown): Fault {
  return new Fault('UNAUTHENTICATED', 'the token of the other node is not valid', { cause });
}

/** The parts of a token, of which nothing is proved yet. @throws Fault UNAUTHENTICATED */
function readToken(token: string) {
  const [text = '', keyId = '', wrapped = '', ...more] = token.split('.');
  if (more.length > 0 || token.length > TOKEN_MAX) throw refused();
  let claims: PeerClaims | null;
  try {
    claims = JSON.parse(Buffer.from(text, 'base64url').toString()) as PeerClaims | null;
  } catch (cause) {
    throw refused(cause);
  }
  const { to, expiresAt, loginDigest } = claims ?? {};
  if (claims === null || typeof to !== 'string' || typeof expiresAt !== 'number' || typeof loginDigest !== 'string')
    throw refused();
  return {
    ...{ text, claims },
    keyId: Buffer.from(keyId, 'base64url').toString(),
    proof: Buffer.from(wrapped, 'base64url'),
  };
}
