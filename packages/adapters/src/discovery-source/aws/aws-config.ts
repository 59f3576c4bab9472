import type { SourceManifest } from '@enchilada/core/discovery';
import type { ParameterValues } from '@enchilada/core/engine';

const READING = { en: 'Reading', de: 'Lesen' };
const EVENTS = { en: 'Events', de: 'Ereignisse' };
const ACCESS = { en: 'Letting people in', de: 'Personen einlassen' };
const LIMITS = { en: 'Limits and addresses', de: 'Grenzen und Adressen' };

export const manifest: SourceManifest = {
  kind: 'aws',
  label: { en: 'Amazon Web Services', de: 'Amazon Web Services' },
  usesExternalId: true,
  parameters: [
    {
      name: 'accounts',
      kind: 'list',
      group: READING,
      label: { en: 'Accounts', de: 'Konten' },
      help: {
        en: 'One a line: twelve digits, and a name if you like: 123456789012=Payments. Events of any other account are refused.',
        de: 'Eines je Zeile: zwölf Ziffern, auf Wunsch mit Namen: 123456789012=Zahlungen. Ereignisse anderer Konten werden abgelehnt.',
      },
      maxItems: 5_000,
      maxLength: 120,
      pattern: '^[0-9]{12}(=.{1,100})?$',
    },
    {
      name: 'organization',
      kind: 'boolean',
      group: READING,
      label: { en: 'All active accounts of the organization', de: 'Alle aktiven Konten der Organisation' },
      help: {
        en: 'Names come from AWS Organizations; the node needs organizations:ListAccounts.',
        de: 'Die Namen kommen aus AWS Organizations; der Knoten braucht organizations:ListAccounts.',
      },
      default: false,
    },
    {
      name: 'regions',
      kind: 'list',
      group: READING,
      label: { en: 'Regions', de: 'Regionen' },
      help: {
        en: 'Empty: every region that the account has enabled (needs ec2:DescribeRegions).',
        de: 'Leer: jede Region, die im Konto aktiv ist (braucht ec2:DescribeRegions).',
      },
      maxItems: 60,
      maxLength: 30,
      pattern: '^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$',
    },
    {
      name: 'homeRegion',
      kind: 'text',
      group: READING,
      label: { en: 'Region for general calls', de: 'Region für allgemeine Aufrufe' },
      default: 'us-east-1',
      maxLength: 30,
      pattern: '^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$',
    },
    {
      name: 'roleName',
      kind: 'text',
      group: READING,
      label: { en: 'Reader role in each account', de: 'Leserolle in jedem Konto' },
      help: {
        en: 'Assumed with the external id that the source page shows.',
        de: 'Wird mit der externen Kennung angenommen, die die Seite der Quelle zeigt.',
      },
      default: 'EnchiladaInventoryReader',
      maxLength: 64,
      pattern: '^[\\w+=,.@-]{1,64}$',
    },
    {
      name: 'networkNames',
      kind: 'boolean',
      group: READING,
      label: { en: 'Read the names of VPCs', de: 'Namen der VPCs lesen' },
      help: {
        en: 'For {vpcName} in rules; needs ec2:DescribeVpcs. Without it, the id of the VPC stands there.',
        de: 'Für {vpcName} in Regeln; braucht ec2:DescribeVpcs. Ohne das steht dort die Kennung der VPC.',
      },
      default: true,
    },
    {
      name: 'checkExternalId',
      kind: 'boolean',
      group: READING,
      label: {
        en: 'Check once a day that reader roles ask for the external id',
        de: 'Täglich prüfen, dass Leserollen die externe Kennung verlangen',
      },
      help: {
        en: 'A role that is well refuses, which CloudTrail shows as AccessDenied of AssumeRole under the session name enchilada-check-….',
        de: 'Eine richtige Rolle lehnt ab; CloudTrail zeigt das als AccessDenied von AssumeRole unter dem Sitzungsnamen enchilada-check-….',
      },
      default: true,
    },
    {
      name: 'connectRoleName',
      kind: 'text',
      group: ACCESS,
      label: { en: 'Role that lets people in, in each account', de: 'Rolle in jedem Konto, die Personen einlässt' },
      help: {
        en: 'For credentials of the kinds EC2 Instance Connect and EC2 key pair alone; assumed with the same external id. The reader role lets nobody in.',
        de: 'Nur für Zugangsdaten der Arten EC2 Instance Connect und EC2-Schlüsselpaar; wird mit derselben externen Kennung angenommen. Die Leserolle lässt niemanden ein.',
      },
      default: 'EnchiladaConnect',
      maxLength: 64,
      pattern: '^[\\w+=,.@-]{1,64}$',
    },
    {
      name: 'queueUrl',
      kind: 'text',
      group: EVENTS,
      label: { en: 'SQS queue', de: 'SQS-Warteschlange' },
      help: {
        en: 'URL of the queue that EventBridge fills. Empty: machines are found by the regular listing alone.',
        de: 'URL der Warteschlange, die EventBridge füllt. Leer: nur die regelmäßige Auflistung findet Maschinen.',
      },
      default: '',
      maxLength: 500,
      pattern: '^(https?://\\S+)?$',
    },
    {
      name: 'callsPerSecond',
      kind: 'number',
      group: LIMITS,
      label: { en: 'Calls a second, for each account and region', de: 'Aufrufe je Sekunde, je Konto und Region' },
      default: 2,
      minimum: 0.1,
      maximum: 1_000,
    },
    {
      name: 'endpoint',
      kind: 'text',
      group: LIMITS,
      label: { en: 'Other endpoint', de: 'Anderer Endpunkt' },
      help: {
        en: 'For emulators and private endpoints; all calls go there.',
        de: 'Für Emulatoren und private Endpunkte; alle Aufrufe gehen dorthin.',
      },
      default: '',
      maxLength: 300,
      pattern: '^(https?://\\S+)?$',
    },
  ],
};

/** The parameters with their types. The manifest's patterns have been checked before. */
export interface AwsConfig {
  readonly accounts: ReadonlyMap<string, string>;
  readonly organization: boolean;
  readonly regions: readonly string[];
  readonly homeRegion: string;
  readonly roleName: string;
  readonly networkNames: boolean;
  readonly checkExternalId: boolean;
  readonly connectRoleName: string;
  readonly queueUrl: string | undefined;
  readonly callsPerSecond: number;
  readonly endpoint: string | undefined;
}

export function readConfig(parameters: ParameterValues): AwsConfig {
  const text = (name: string, standard: string): string => {
    const value = parameters[name];
    return typeof value === 'string' && value !== '' ? value : standard;
  };
  const lines = (name: string): readonly string[] => {
    const value = parameters[name];
    return Array.isArray(value) ? (value as readonly string[]) : [];
  };
  const calls = parameters['callsPerSecond'];
  return {
    accounts: new Map(
      lines('accounts').map((line): [string, string] => [line.slice(0, 12), line.slice(13) || line.slice(0, 12)]),
    ),
    organization: parameters['organization'] === true,
    regions: lines('regions'),
    homeRegion: text('homeRegion', 'us-east-1'),
    roleName: text('roleName', 'EnchiladaInventoryReader'),
    networkNames: parameters['networkNames'] !== false,
    checkExternalId: parameters['checkExternalId'] !== false,
    connectRoleName: text('connectRoleName', 'EnchiladaConnect'),
    queueUrl: text('queueUrl', '') || undefined,
    callsPerSecond: typeof calls === 'number' ? calls : 2,
    endpoint: text('endpoint', '') || undefined,
  };
}
