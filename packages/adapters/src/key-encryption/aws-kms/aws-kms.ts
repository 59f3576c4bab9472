import type { KeyServiceType } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { boundAnswers, called, clientSettings } from '../../shared/aws/aws-calls.ts';
import { type AddressForm, keyIdOf, readAddress } from '../shared/key-address.ts';
import { remoteKeyEncryption } from '../shared/remote-key.ts';

const FORM: AddressForm = {
  scheme: 'aws-kms',
  // No alias: it may be pointed at another key, which opens nothing of the one before.
  pattern: /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]{1,64}$/u,
  options: ['role', 'externalId'],
  example: 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
};

/** A symmetric key in AWS KMS. https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html */
export function awsKms({ clock, random }: { readonly clock: Clock; readonly random: RandomSource }): KeyServiceType {
  return {
    scheme: FORM.scheme,
    label: 'AWS KMS',
    async open(address) {
      const { key: KeyId, option } = readAddress(address, FORM);
      const [kms, settings] = await Promise.all([
        import('@aws-sdk/client-kms'),
        clientSettings({
          region: KeyId.split(':')[3] ?? '',
          roleArn: option('role'),
          externalId: option('externalId'),
        }),
      ]);
      const client = new kms.KMSClient(settings);
      boundAnswers(client);
      const contextOf = (purpose: string) => ({ 'enchilada:purpose': purpose });
      return remoteKeyEncryption({
        clock,
        random,
        remote: {
          keyId: keyIdOf(FORM.scheme, KeyId),
          async wrap(key, { purpose, signal }) {
            const input = { KeyId, Plaintext: key, EncryptionContext: contextOf(purpose) };
            const { CiphertextBlob } = await called({ permission: `kms:Encrypt on ${KeyId}`, signal }, () =>
              client.send(new kms.EncryptCommand(input), { abortSignal: signal }),
            );
            return required(CiphertextBlob);
          },
          async unwrap(wrapped, { purpose, signal }) {
            const input = { KeyId, CiphertextBlob: wrapped, EncryptionContext: contextOf(purpose) };
            const { Plaintext } = await called({ permission: `kms:Decrypt on ${KeyId}`, signal }, () =>
              client.send(new kms.DecryptCommand(input), { abortSignal: signal }),
            );
            return required(Plaintext);
          },
        },
      });
    },
  };
}

function required(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new Fault('KEY_UNAVAILABLE', 'AWS KMS answered without a key');
  return bytes;
}
