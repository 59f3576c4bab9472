import { externalIdOfStore, type SecretStoreType } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { boundAnswers, called, clientSettings } from '../../shared/aws/aws-calls.ts';
import { ROLE_FIELDS, roleOf } from '../../shared/aws/role-fields.ts';
import { fieldsOf } from '../shared/fields-of.ts';

/** A name or an ARN, with `:VERSION` or `:LABEL` behind it. */
const PATH = /^(?:arn:aws[a-z-]*:ssm:[a-z0-9-]+:\d{12}:parameter)?[A-Za-z0-9_./-]{1,1011}(?::[A-Za-z0-9_.-]{1,100})?$/u;

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html */
export const awsParameterStore: SecretStoreType = {
  manifest: {
    kind: 'aws-parameter-store',
    label: { en: 'AWS Parameter Store', de: 'AWS Parameter Store' },
    usesExternalId: true,
    holdsWholeValues: true,
    parameters: ROLE_FIELDS,
  },
  open({ id, parameters }) {
    const role = roleOf(parameters, externalIdOfStore(id));
    return {
      async read(path, fields, signal) {
        const Name = path.trim();
        if (!PATH.test(Name))
          throw new Fault('SECRET_NOT_FOUND', `${path} is no name of a parameter`, { facts: { path } });
        const sdk = await import('@aws-sdk/client-ssm');
        const client = new sdk.SSMClient(await clientSettings(role));
        boundAnswers(client);
        try {
          const command = new sdk.GetParameterCommand({ Name, WithDecryption: true });
          const { Parameter } = await called({ permission: `ssm:GetParameter on ${Name}`, signal }, () =>
            client.send(command, { abortSignal: signal }),
          );
          // A plain String is readable by whoever may list: no place for a secret.
          if (Parameter?.Type !== 'SecureString')
            throw new Fault('SECRET_NOT_FOUND', `${path} is no SecureString`, { facts: { path } });
          return fieldsOf(Parameter.Value ?? '', path, fields);
        } finally {
          client.destroy();
        }
      },
    };
  },
};
