import { externalIdOfStore, type SecretStoreType } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { boundAnswers, called, clientSettings } from '../../shared/aws/aws-calls.ts';
import { PLACE, ROLE_FIELDS, roleOf, textOf } from '../../shared/aws/role-fields.ts';
import { fieldsOf } from '../shared/fields-of.ts';

/** A name or an ARN. */
const PATH = /^(?:arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}$/u;

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html */
export const awsSecretsManager: SecretStoreType = {
  manifest: {
    kind: 'aws-secrets-manager',
    label: { en: 'AWS Secrets Manager', de: 'AWS Secrets Manager' },
    usesExternalId: true,
    holdsWholeValues: true,
    parameters: [
      ...ROLE_FIELDS,
      {
        name: 'versionStage',
        kind: 'text',
        group: PLACE,
        label: { en: 'Version stage', de: 'Versionsstufe' },
        help: {
          en: 'Of each secret, the version with this label.',
          de: 'Von jedem Geheimnis die Version mit dieser Bezeichnung.',
        },
        default: 'AWSCURRENT',
        maxLength: 256,
        pattern: '^[A-Za-z0-9_+=.@-]*$',
      },
    ],
  },
  open({ id, parameters }) {
    const role = roleOf(parameters, externalIdOfStore(id));
    const VersionStage = textOf(parameters, 'versionStage') || 'AWSCURRENT';
    return {
      async read(path, fields, signal) {
        const SecretId = path.trim();
        if (!PATH.test(SecretId))
          throw new Fault('SECRET_NOT_FOUND', `${path} is no name of a secret`, { facts: { path } });
        const sdk = await import('@aws-sdk/client-secrets-manager');
        const client = new sdk.SecretsManagerClient(await clientSettings(role));
        boundAnswers(client);
        try {
          const command = new sdk.GetSecretValueCommand({ SecretId, VersionStage });
          const permission = `secretsmanager:GetSecretValue on ${SecretId}`;
          const { SecretString = '' } = await called({ permission, signal }, () =>
            client.send(command, { abortSignal: signal }),
          );
          return fieldsOf(SecretString, path, fields);
        } finally {
          client.destroy();
        }
      },
    };
  },
};
