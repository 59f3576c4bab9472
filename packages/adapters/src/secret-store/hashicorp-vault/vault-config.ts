import type { SecretStoreManifest } from '@enchilada/core/credential';
import type { ParameterValues } from '@enchilada/core/engine';

const SERVER = { en: 'Server', de: 'Server' };
const SIGN_IN = { en: 'Sign-in of the gateway', de: 'Anmeldung des Gateways' };

export const manifest: SecretStoreManifest = {
  kind: 'hashicorp-vault',
  label: { en: 'HashiCorp Vault / OpenBao', de: 'HashiCorp Vault / OpenBao' },
  signsCertificates: true,
  secret: { en: 'Token, or secret id of the AppRole', de: 'Token oder Secret-ID der AppRole' },
  parameters: [
    {
      name: 'address',
      kind: 'text',
      required: true,
      group: SERVER,
      label: { en: 'Address', de: 'Adresse' },
      help: {
        en: 'https://vault.example.net:8200. Its certificate must be trusted by the node (NODE_EXTRA_CA_CERTS for one of your own authority).',
        de: 'https://vault.example.net:8200. Der Knoten muss dem Zertifikat vertrauen (NODE_EXTRA_CA_CERTS bei eigener Zertifizierungsstelle).',
      },
      maxLength: 300,
      pattern: '^https://[^?#\\s/@]+/?$',
    },
    {
      name: 'mount',
      kind: 'text',
      group: SERVER,
      label: { en: 'Mount of the KV engine, version 2', de: 'Mount der KV-Engine, Version 2' },
      default: 'secret',
      maxLength: 200,
      pattern: '^[A-Za-z0-9][A-Za-z0-9_/-]*$',
    },
    {
      name: 'namespace',
      kind: 'text',
      group: SERVER,
      label: { en: 'Namespace', de: 'Namensraum' },
      help: { en: 'Empty: the root namespace.', de: 'Leer: der Wurzel-Namensraum.' },
      default: '',
      maxLength: 200,
      pattern: '^[A-Za-z0-9_/-]*$',
    },
    {
      name: 'roleId',
      kind: 'text',
      group: SIGN_IN,
      label: { en: 'Role id (AppRole)', de: 'Role-ID (AppRole)' },
      help: {
        en: 'Empty: the secret below is a token. Filled: it is the secret id, and each reading signs in and out again.',
        de: 'Leer: das Geheimnis unten ist ein Token. Ausgefüllt: es ist die Secret-ID, und jedes Lesen meldet sich an und wieder ab.',
      },
      default: '',
      maxLength: 200,
      pattern: '^[A-Za-z0-9-]*$',
    },
  ],
};

export interface VaultConfig {
  readonly address: string;
  readonly mount: string;
  readonly namespace: string | undefined;
  readonly roleId: string | undefined;
}

/** The parameters with their types. The manifest's patterns have been checked before. */
export function readConfig(parameters: ParameterValues): VaultConfig {
  const text = (name: string): string => {
    const value = parameters[name];
    return typeof value === 'string' ? value.trim() : '';
  };
  return {
    address: text('address').replace(/\/$/u, ''),
    mount: text('mount').replaceAll(/^\/+|\/+$/gu, '') || 'secret',
    namespace: text('namespace') || undefined,
    roleId: text('roleId') || undefined,
  };
}
