import type { SealedBytes } from '../credential/index.ts';
import type { AssertedPerson, ProviderId } from './identity-provider.ts';

export type RefreshTokenId = string;

/** What a provider says of somebody whose browser is not there. */
export type RefreshVerdict =
  /** The login there stands. Without a person the provider says no more than that. */
  | { readonly outcome: 'stands'; readonly person: AssertedPerson | undefined }
  /** The provider takes the token no more: the person is disabled, has signed out or must sign in anew. */
  | { readonly outcome: 'withdrawn'; readonly error: string };

/** By what a provider is asked again about somebody who signed in there (RFC 6749 section 6), for as long as the login. */
export interface RefreshToken {
  readonly id: RefreshTokenId;
  readonly loginDigest: string;
  readonly providerId: ProviderId;
  readonly subject: string;
  /** INVARIANT: bound to the row and to `version`, which rises with each token that the provider gives in place of this one. */
  readonly sealed: SealedBytes;
  readonly version: number;
  /** When the provider last said that the login stands; at first the sign-in. */
  readonly answeredAt: number;
  readonly failures: number;
  /** The token was, or may have been, shown to the provider, and its answer is not known: it may be spent. */
  readonly isInDoubt: boolean;
}

export type NewRefreshToken = Pick<RefreshToken, 'id' | 'sealed'>;

/** How it goes with asking a provider. */
export interface RefreshHealth {
  /** Logins that it is asked about. */
  readonly logins: number;
  readonly failing: number;
  /** Since when the longest of these is without an answer, and what came last in its place. */
  readonly unansweredSince?: number;
  readonly reason?: string;
}
