import type { SealedBytes } from '../credential/index.ts';
import type { NewRefreshToken, ProviderId, RefreshHealth, RefreshToken, RefreshTokenId } from '../identity/index.ts';

/** A login that ends leaves its token to another of the same person at the provider that has none; else the token goes with it. `…InMs` count by the database's clock. */
export interface RefreshTokenRepository {
  insert(
    token: NewRefreshToken & Pick<RefreshToken, 'loginDigest' | 'providerId' | 'subject' | 'answeredAt'>,
    dueInMs: number,
  ): Promise<void>;
  /** The providers of which some are due. */
  due(): Promise<readonly ProviderId[]>;
  /** Those of a provider that are due, oldest first, for as long as the lease; each is answered to exactly one of many racing callers. In doubt until they are settled. */
  take(
    provider: ProviderId,
    terms: { readonly leaseMs: number; readonly limit: number },
  ): Promise<readonly RefreshToken[]>;
  /** The token that the provider gave in its place, sealed for the next version. False where the row has moved on. */
  replace(token: Pick<RefreshToken, 'id' | 'version'>, sealed: SealedBytes): Promise<boolean>;
  /** The provider answered, and is asked again then. */
  answered(id: RefreshTokenId, answer: { readonly at: number; readonly dueInMs: number }): Promise<void>;
  /** It did not. */
  failed(
    id: RefreshTokenId,
    failure: { readonly reason: string; readonly isInDoubt: boolean; readonly dueInMs: number },
  ): Promise<void>;
  /** All of one person at a provider that nobody is asking about are due now. */
  hurry(provider: ProviderId, subject: string): Promise<void>;
  /** The logins of one person at a provider that can be asked about. */
  loginsOf(provider: ProviderId, subject: string): Promise<readonly string[]>;
  /** The provider refused it. */
  remove(id: RefreshTokenId): Promise<void>;
  /** Of a login that ends and leaves it to no other, as it is at that moment: it is nobody's to ask with any more. */
  release(loginDigest: string): Promise<RefreshToken | undefined>;
  health(): Promise<ReadonlyMap<ProviderId, RefreshHealth>>;
}
