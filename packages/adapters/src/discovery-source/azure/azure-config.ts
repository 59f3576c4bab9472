import type { SourceManifest } from '@enchilada/core/discovery';
import type { ParameterValues } from '@enchilada/core/engine';
import { identityFields, type NodeIdentity } from '../../shared/azure/node-identity.ts';

const READING = { en: 'Reading', de: 'Lesen' };
const EVENTS = { en: 'Events', de: 'Ereignisse' };
const LIMITS = { en: 'Limits and addresses', de: 'Grenzen und Adressen' };
const GUID = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';

export const manifest: SourceManifest = {
  kind: 'azure',
  label: { en: 'Microsoft Azure', de: 'Microsoft Azure' },
  parameters: [
    {
      name: 'managementGroup',
      kind: 'text',
      group: READING,
      label: { en: 'Management group', de: 'Verwaltungsgruppe' },
      help: {
        en: 'Its id. Every subscription below it is listed, at any depth; new ones by themselves.',
        de: 'Ihre Kennung. Jedes Abonnement darunter wird aufgelistet, in jeder Tiefe; neue von selbst.',
      },
      default: '',
      maxLength: 90,
      pattern: '^[\\w().-]*$',
    },
    {
      name: 'subscriptions',
      kind: 'list',
      group: READING,
      label: { en: 'Subscriptions', de: 'Abonnements' },
      help: {
        en: 'Instead of a management group, one a line, with a name if you like: 00000000-0000-0000-0000-000000000000=Payments. Events of any other are refused.',
        de: 'Statt einer Verwaltungsgruppe, eines je Zeile, auf Wunsch mit Namen: 00000000-0000-0000-0000-000000000000=Zahlungen. Ereignisse anderer werden abgelehnt.',
      },
      maxItems: 1_000,
      maxLength: 140,
      pattern: `^${GUID}(=.{1,100})?$`,
    },
    ...identityFields(READING),
    {
      name: 'queueUrl',
      kind: 'text',
      group: EVENTS,
      label: { en: 'Storage queue', de: 'Storage-Warteschlange' },
      help: {
        en: 'URL of the queue that Event Grid fills, without a signature. Empty: machines are found by the regular listing alone.',
        de: 'URL der Warteschlange, die Event Grid füllt, ohne Signatur. Leer: nur die regelmäßige Auflistung findet Maschinen.',
      },
      default: '',
      maxLength: 500,
      pattern: '^(https://[^?#\\s]+/[a-z0-9-]{3,56})?$',
    },
    {
      name: 'callsPerSecond',
      kind: 'number',
      group: LIMITS,
      label: { en: 'Calls a second', de: 'Aufrufe je Sekunde' },
      help: {
        en: 'For each subscription, and for Resource Graph, which allows a principal three a second.',
        de: 'Je Abonnement, und für Resource Graph, das einem Prinzipal drei je Sekunde erlaubt.',
      },
      default: 2,
      minimum: 0.1,
      maximum: 1_000,
    },
    {
      name: 'cloud',
      kind: 'choice',
      group: LIMITS,
      label: { en: 'Cloud', de: 'Cloud' },
      default: 'public',
      options: [
        { value: 'public', label: { en: 'Public', de: 'Öffentlich' } },
        { value: 'government', label: { en: 'US Government', de: 'US-Regierung' } },
        { value: 'china', label: { en: 'China', de: 'China' } },
      ],
    },
    {
      name: 'endpoint',
      kind: 'text',
      group: LIMITS,
      label: { en: 'Other endpoint', de: 'Anderer Endpunkt' },
      help: {
        en: 'For private endpoints and test servers; all calls of Resource Manager and Resource Graph go there.',
        de: 'Für private Endpunkte und Testserver; alle Aufrufe an Resource Manager und Resource Graph gehen dorthin.',
      },
      default: '',
      maxLength: 300,
      pattern: '^(https://[^?#\\s/]+)?$',
    },
  ],
};

export interface AzureConfig {
  readonly managementGroup: string | undefined;
  /** Names by lower-case id. */
  readonly subscriptions: ReadonlyMap<string, string>;
  readonly identity: NodeIdentity;
  readonly clientId: string | undefined;
  /** Undefined: the public one. */
  readonly authorityHost: string | undefined;
  readonly queueUrl: string | undefined;
  readonly callsPerSecond: number;
  readonly endpoint: string;
  /** What a token for Resource Manager is asked for. */
  readonly tokenScope: string;
}

const RESOURCE_MANAGERS: Readonly<Record<string, string>> = {
  public: 'https://management.azure.com',
  government: 'https://management.usgovcloudapi.net',
  china: 'https://management.chinacloudapi.cn',
};
const AUTHORITIES: Readonly<Record<string, string>> = {
  government: 'https://login.microsoftonline.us',
  china: 'https://login.chinacloudapi.cn',
};
const GUID_LENGTH = 36;

/** The parameters with their types. The manifest's patterns have been checked before. */
export function readConfig(parameters: ParameterValues): AzureConfig {
  const text = (name: string): string | undefined => {
    const value = parameters[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const lines = parameters['subscriptions'];
  const calls = parameters['callsPerSecond'];
  const manager = RESOURCE_MANAGERS[text('cloud') ?? 'public'] ?? '';
  return {
    managementGroup: text('managementGroup'),
    subscriptions: new Map(
      (Array.isArray(lines) ? (lines as readonly string[]) : []).map((line): [string, string] => {
        const id = line.slice(0, GUID_LENGTH).toLowerCase();
        return [id, line.slice(GUID_LENGTH + 1) || id];
      }),
    ),
    identity: (text('identity') ?? 'managed') as NodeIdentity,
    clientId: text('clientId'),
    authorityHost: AUTHORITIES[text('cloud') ?? 'public'],
    queueUrl: text('queueUrl'),
    callsPerSecond: typeof calls === 'number' ? calls : 2,
    endpoint: text('endpoint') ?? manager,
    tokenScope: `${manager}/.default`,
  };
}
