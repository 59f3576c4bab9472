import type { TokenCredential } from '@azure/identity';
import type { ParameterField } from '@enchilada/core/engine';

export type NodeIdentity = 'managed' | 'principal' | 'workload';

/** Microsoft's own; of any other the SDK would ask Microsoft first, which a closed network does not let through. */
const AUTHORITIES = new Set([
  'https://login.microsoftonline.com',
  'https://login.microsoftonline.us',
  'https://login.chinacloudapi.cn',
]);

export interface IdentitySettings {
  readonly identity: NodeIdentity;
  readonly clientId: string | undefined;
  /** Of another cloud than the public one; `AZURE_AUTHORITY_HOST` stands above it. */
  readonly authorityHost?: string | undefined;
}

/** Who the node is in Azure. Nothing secret is kept in the product: principals are read from the node's environment. */
export function identityOf(sdk: typeof import('@azure/identity'), settings: IdentitySettings): TokenCredential {
  const { identity, clientId } = settings;
  const options = clientId === undefined ? {} : { clientId };
  switch (identity) {
    case 'managed':
      return new sdk.ManagedIdentityCredential(options);
    case 'principal':
      return new sdk.EnvironmentCredential(authorityOf(settings));
    case 'workload':
      return new sdk.WorkloadIdentityCredential({ ...options, ...authorityOf(settings) });
  }
}

function authorityOf(settings: IdentitySettings): { authorityHost?: string; disableInstanceDiscovery?: true } {
  const authorityHost = process.env['AZURE_AUTHORITY_HOST'] ?? settings.authorityHost;
  if (authorityHost === undefined || authorityHost === '') return {};
  const isKnown = AUTHORITIES.has(authorityHost.replace(/\/+$/u, ''));
  return isKnown ? { authorityHost } : { authorityHost, disableInstanceDiscovery: true };
}

const GUID = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';

/** The same two fields in every form. */
export function identityFields(group: ParameterField['group']): readonly ParameterField[] {
  return [
    {
      name: 'identity',
      kind: 'choice',
      group,
      label: { en: 'Identity of the node', de: 'Identität des Knotens' },
      help: {
        en: 'A service principal is read from AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH of the node; nothing secret is kept here.',
        de: 'Ein Dienstprinzipal wird aus AZURE_TENANT_ID, AZURE_CLIENT_ID und AZURE_CLIENT_SECRET oder AZURE_CLIENT_CERTIFICATE_PATH des Knotens gelesen; nichts Geheimes liegt hier.',
      },
      default: 'managed',
      options: [
        { value: 'managed', label: { en: 'Managed identity', de: 'Verwaltete Identität' } },
        { value: 'principal', label: { en: 'Service principal', de: 'Dienstprinzipal' } },
        { value: 'workload', label: { en: 'Workload identity (AKS)', de: 'Workload-Identität (AKS)' } },
      ],
    },
    {
      name: 'clientId',
      kind: 'text',
      group,
      label: { en: 'Client id of the identity', de: 'Client-Kennung der Identität' },
      help: {
        en: 'Needed for a user-assigned managed identity.',
        de: 'Nötig bei einer benutzerzugewiesenen verwalteten Identität.',
      },
      default: '',
      maxLength: 36,
      pattern: `^(${GUID})?$`,
    },
  ];
}
