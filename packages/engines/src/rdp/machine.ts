import type { Duplex } from 'node:stream';
import type { Credential } from '@enchilada/core/credential';
import type { EngineFacts } from '@enchilada/core/engine';
import type { DesktopRequest } from '../shared/index.ts';
import type { Negotiated } from './codec/x224.ts';
import type { RdpParameters } from './rdp-manifest.ts';
import type { Protection } from './security/protection.ts';

export interface MachineRequest extends DesktopRequest {
  readonly parameters: Pick<
    RdpParameters,
    'security' | 'allowRdpSecurity' | 'loadBalanceInfo' | 'preconnectionId' | 'preconnectionBlob'
  >;
}

/**
 * A connection at the point where MCS begins: who answers was accepted, and the account is signed in where the machine demands network
 * level authentication.
 */
export interface Machine {
  readonly stream: Duplex;
  /** Between the stream and the PDUs on it. */
  readonly protection: Protection;
  readonly negotiated: Negotiated;
  /** DER, the machine's own first: what a decoder is shown. */
  readonly certificates: readonly Uint8Array[];
  readonly credential: Credential & { readonly kind: 'password' };
  readonly facts: EngineFacts;
}
