import { createPrivateKey, type KeyObject, privateDecrypt, constants } from 'node:crypto';
import type { EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { Secret } from '@enchilada/core/credential';
import type { MachineAccess, MachineReference } from '@enchilada/core/discovery';
import { Fault, type FaultCode } from '@enchilada/core/fault';

const CALL_MS = 15_000;

export interface Use {
  readonly person: string;
  readonly action: 'ec2-instance-connect:SendSSHPublicKey' | 'ec2:GetPasswordData';
}

export interface MachineAccessParts {
  readonly ec2: typeof import('@aws-sdk/client-ec2');
  readonly shared: (region: string) => Pick<EC2ClientConfig, 'region' | 'endpoint' | 'requestHandler'>;
  /** Of the role that lets in, in the machine's account, for one call on one machine, under a session named after the person. */
  readonly credentials: (machine: MachineReference, use: Use) => ReturnType<typeof fromTemporaryCredentials>;
}

/**
 * EC2 Instance Connect and the password data of Windows instances. The role is assumed anew each time, under the person's name: so the account's own
 * CloudTrail says who was let in.
 */
export function machineAccess({ ec2, shared, credentials }: MachineAccessParts): MachineAccess {
  const configOf = (machine: MachineReference, use: Use) => ({
    ...shared(machine.scope.region),
    credentials: credentials(machine, use),
    maxAttempts: 3,
  });
  return {
    async admitKey(machine, { username, person, publicKey }) {
      const sdk = await import('@aws-sdk/client-ec2-instance-connect');
      const client = new sdk.EC2InstanceConnectClient(
        configOf(machine, { person, action: 'ec2-instance-connect:SendSSHPublicKey' }),
      );
      try {
        const input = {
          InstanceId: machine.nativeId,
          InstanceOSUser: username,
          SSHPublicKey: publicKey,
          ...(machine.zone === undefined ? {} : { AvailabilityZone: machine.zone }),
        };
        const { Success } = await client.send(new sdk.SendSSHPublicKeyCommand(input), {
          abortSignal: AbortSignal.timeout(CALL_MS),
        });
        if (Success !== true) throw new Error('EC2 Instance Connect did not take the key');
      } catch (cause) {
        throw toAccessFault(cause, { permission: 'ec2-instance-connect:SendSSHPublicKey', machine });
      } finally {
        client.destroy();
      }
    },
    async launchPassword(machine, { person, privateKey, passphrase }) {
      const client = new ec2.EC2Client(configOf(machine, { person, action: 'ec2:GetPasswordData' }));
      try {
        const { PasswordData = '' } = await client
          .send(new ec2.GetPasswordDataCommand({ InstanceId: machine.nativeId }), {
            abortSignal: AbortSignal.timeout(CALL_MS),
          })
          .catch((cause: unknown) => {
            throw toAccessFault(cause, { permission: 'ec2:GetPasswordData', machine });
          });
        if (PasswordData.trim() === '')
          throw new Fault('LAUNCH_PASSWORD_MISSING', `EC2 has no password data for ${machine.nativeId}`);
        return openPasswordData(PasswordData, readKey(privateKey, passphrase));
      } finally {
        client.destroy();
      }
    },
  };
}

function readKey(privateKey: Secret, passphrase: Secret | undefined): KeyObject {
  try {
    const key = { key: privateKey.reveal(), ...(passphrase === undefined ? {} : { passphrase: passphrase.reveal() }) };
    return createPrivateKey(key);
  } catch {
    throw new Fault('CREDENTIAL_UNREADABLE', 'the private key of the key pair cannot be read');
  }
}

/**
 * RSAES-PKCS1-v1_5. OpenSSL rejects wrong padding implicitly, with bytes made up from the key: a wrong key gives no error but a text that is no password.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetPasswordData.html
 */
export function openPasswordData(data: string, key: KeyObject): Secret {
  const wrong = (): Fault =>
    new Fault('LAUNCH_PASSWORD_KEY_WRONG', 'the stored private key does not open the password data of the machine');
  const bytes = Buffer.from(data.trim(), 'base64');
  if (key.asymmetricKeyType !== 'rsa' || bytes.length * 8 !== key.asymmetricKeyDetails?.modulusLength) throw wrong();
  let plain: Buffer;
  try {
    plain = privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, bytes);
  } catch {
    throw wrong();
  }
  const text = plain.toString('latin1');
  plain.fill(0);
  if (!/^[\x20-\x7e]{8,128}$/u.test(text)) throw wrong();
  return new Secret(text);
}

const CODES: Readonly<Record<string, FaultCode>> = {
  AccessDenied: 'MACHINE_ACCESS_DENIED',
  AccessDeniedException: 'MACHINE_ACCESS_DENIED',
  AuthException: 'MACHINE_ACCESS_DENIED',
  AuthFailure: 'MACHINE_ACCESS_DENIED',
  UnauthorizedOperation: 'MACHINE_ACCESS_DENIED',
  CredentialsProviderError: 'MACHINE_ACCESS_DENIED',
  ExpiredToken: 'MACHINE_ACCESS_DENIED',
  InvalidClientTokenId: 'MACHINE_ACCESS_DENIED',
  ThrottlingException: 'MACHINE_ACCESS_THROTTLED',
  Throttling: 'MACHINE_ACCESS_THROTTLED',
  RequestLimitExceeded: 'MACHINE_ACCESS_THROTTLED',
  EC2InstanceNotFoundException: 'MACHINE_NOT_RUNNING',
  EC2InstanceStateInvalidException: 'MACHINE_NOT_RUNNING',
  EC2InstanceUnavailableException: 'MACHINE_NOT_RUNNING',
  'InvalidInstanceID.NotFound': 'MACHINE_NOT_RUNNING',
  'InvalidInstanceID.Malformed': 'MACHINE_NOT_RUNNING',
};

function toAccessFault(
  cause: unknown,
  call: { readonly permission: string; readonly machine: MachineReference },
): Fault {
  if (cause instanceof Fault) {
    const { code, message, facts } = cause;
    return code === 'DISCOVERY_DENIED' ? new Fault('MACHINE_ACCESS_DENIED', message, { cause, facts }) : cause;
  }
  const { name, message } = cause instanceof Error ? cause : { name: 'unknown', message: '' };
  const { account } = call.machine.scope;
  // The role is assumed by whichever call needs it first.
  const permission = message.includes('sts:AssumeRole') ? 'sts:AssumeRole' : call.permission;
  const code = CODES[name] ?? 'MACHINE_ACCESS_FAILED';
  return new Fault(
    code,
    `${permission} for ${call.machine.nativeId} in account ${account}: ${name}: ${message.slice(0, 300)}`,
    {
      cause,
      facts: { account, permission, machine: call.machine.nativeId },
    },
  );
}
