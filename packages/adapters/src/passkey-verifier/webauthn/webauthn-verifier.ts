import { Fault } from '@enchilada/core/fault';
import type { PasskeyCeremony, PasskeyVerifier } from '@enchilada/core/identity';

/** What the contract lets through: strings, already bounded. */
interface Creation {
  readonly credentialId: string;
  readonly clientDataJSON: string;
  readonly attestationObject: string;
  readonly transports: readonly string[];
}
interface Assertion {
  readonly credentialId: string;
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly signature: string;
  readonly userHandle?: string;
}

function expectedOf(ceremony: PasskeyCeremony) {
  return {
    expectedChallenge: ceremony.challenge,
    expectedOrigin: [...ceremony.origins],
    expectedRPID: ceremony.relyingPartyId,
    requireUserVerification: true,
  };
}

async function orRefuse<T>(verification: Promise<T>): Promise<T> {
  try {
    return await verification;
  } catch (cause) {
    throw new Fault('FACTOR_REFUSED', 'the answer of the authenticator is not valid', { cause });
  }
}

/** Loaded with the first passkey: it is the largest library of all. */
const library = () => import('@simplewebauthn/server');

/** WebAuthn Level 3 sections 7.1 and 7.2, without attestation: which make of authenticator it is, is not asked. */
export function webauthn(): PasskeyVerifier {
  return {
    async verifyCreation(response, ceremony) {
      const { credentialId, clientDataJSON, attestationObject, transports } = response as Creation;
      const { verifyRegistrationResponse } = await library();
      const { verified, registrationInfo } = await orRefuse(
        verifyRegistrationResponse({
          ...expectedOf(ceremony),
          response: {
            id: credentialId,
            rawId: credentialId,
            type: 'public-key',
            clientExtensionResults: {},
            response: { clientDataJSON, attestationObject },
          },
        }),
      );
      if (!verified) throw new Fault('FACTOR_REFUSED', 'the answer of the authenticator is not valid');
      const { id, publicKey, counter } = registrationInfo.credential;
      return { credentialId: id, publicKey, counter, transports };
    },

    async verifyAssertion(response, ceremony, passkey) {
      const { credentialId, clientDataJSON, authenticatorData, signature, userHandle } = response as Assertion;
      const { verifyAuthenticationResponse } = await library();
      const { verified, authenticationInfo } = await orRefuse(
        verifyAuthenticationResponse({
          ...expectedOf(ceremony),
          response: {
            id: credentialId,
            rawId: credentialId,
            type: 'public-key',
            clientExtensionResults: {},
            response: {
              clientDataJSON,
              authenticatorData,
              signature,
              ...(userHandle === undefined ? {} : { userHandle }),
            },
          },
          credential: {
            id: passkey.credentialId,
            publicKey: Uint8Array.from(passkey.publicKey),
            counter: passkey.counter,
          },
        }),
      );
      if (!verified) throw new Fault('FACTOR_REFUSED', 'the signature of the authenticator does not hold');
      return authenticationInfo.newCounter;
    },
  };
}
