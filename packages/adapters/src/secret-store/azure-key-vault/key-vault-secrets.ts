import type { SecretStoreType } from '@enchilada/core/credential';
import type { ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { keyVaultCalls } from '../../shared/azure/key-vault-calls.ts';
import { identityFields, type NodeIdentity } from '../../shared/azure/node-identity.ts';
import { fieldsOf } from '../shared/fields-of.ts';

const PATH = /^[0-9A-Za-z-]{1,127}(?:\/[0-9a-f]{32})?$/u;
const VAULTS = String.raw`https://[A-Za-z0-9-]{3,24}\.vault\.(?:azure\.net|azure\.cn|usgovcloudapi\.net)`;

export interface KeyVaultSecretsParts {
  /**
   * Addresses besides those of Azure, for tests. INVARIANT: the node's token is sent to vaults of Azure alone; whoever fills in the form must not
   * be able to have it sent to themselves.
   */
  readonly alsoAt?: string;
}

/** https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret */
export function keyVaultSecrets({ alsoAt }: KeyVaultSecretsParts = {}): SecretStoreType {
  return {
    manifest: {
      kind: 'azure-key-vault',
      label: { en: 'Azure Key Vault', de: 'Azure Key Vault' },
      holdsWholeValues: true,
      parameters: [
        {
          name: 'url',
          kind: 'text',
          required: true,
          group: PLACE,
          label: { en: 'Vault', de: 'Tresor' },
          help: {
            en: 'https://NAME.vault.azure.net, also where a private endpoint leads there.',
            de: 'https://NAME.vault.azure.net, auch wenn ein privater Endpunkt dorthin führt.',
          },
          maxLength: 200,
          pattern: `^(?:${VAULTS}${alsoAt === undefined ? '' : `|${alsoAt}`})/?$`,
        },
        ...identityFields(PLACE),
      ],
    },
    open({ parameters }) {
      const url = textOf(parameters, 'url').replace(/\/$/u, '');
      const identity = (textOf(parameters, 'identity') || 'managed') as NodeIdentity;
      const call = keyVaultCalls({ url, identity, clientId: textOf(parameters, 'clientId') || undefined });
      return {
        async read(path, fields, signal) {
          const name = path.trim();
          if (!PATH.test(name))
            throw new Fault('SECRET_NOT_FOUND', `${path} is no name of a secret`, { facts: { path } });
          const permission = `Microsoft.KeyVault/vaults/secrets/getSecret/action on ${name}`;
          const { value } = (await call({ method: 'GET', path: `secrets/${name}`, permission, signal })) as {
            readonly value?: unknown;
          };
          return fieldsOf(typeof value === 'string' ? value : '', path, fields);
        },
      };
    },
  };
}

const PLACE = { en: 'Place', de: 'Ort' };

function textOf(parameters: ParameterValues, name: string): string {
  const value = parameters[name];
  return typeof value === 'string' ? value.trim() : '';
}
