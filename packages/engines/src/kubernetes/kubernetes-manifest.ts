import type { EngineManifest, LocalizedText, ParameterValue, ParameterValues } from '@enchilada/core/engine';
import { GROUPS, readLines } from '../shared/index.ts';

const WHERE: LocalizedText = { en: 'Pod', de: 'Pod' };
const TRUST: LocalizedText = { en: 'Cluster', de: 'Cluster' };
const NAME_PATTERN = '^$|^[a-z0-9]([a-z0-9.\\-]{0,251}[a-z0-9])?$';
const NAME = { kind: 'text', group: WHERE, maxLength: 253, pattern: NAME_PATTERN } as const;
const PEM = { kind: 'list', group: TRUST, maxItems: 400, maxLength: 100, pattern: '^[A-Za-z0-9+/= \\-]*$' } as const;

/** Every image that can show a prompt has sh; bash is nicer where it is. */
const DEFAULT_COMMAND = [
  'sh',
  '-c',
  'TERM=xterm-256color; export TERM; command -v bash >/dev/null 2>&1 && exec bash || exec sh',
];

export const manifest: EngineManifest = {
  id: 'kubernetes',
  label: { en: 'Kubernetes', de: 'Kubernetes' },
  surface: 'terminal',
  defaultPort: 6443,
  credentialKinds: ['password', 'private-key', 'ask'],
  jumpHosts: true,
  hostKeys: true,
  importsFile: { en: 'kubeconfig', de: 'kubeconfig' },
  parameters: [
    {
      ...NAME,
      name: 'namespace',
      label: { en: 'Namespace', de: 'Namespace' },
      help: {
        en: 'Empty: chosen from the cluster’s list when the session is opened.',
        de: 'Leer: wird beim Öffnen der Sitzung aus der Liste des Clusters gewählt.',
      },
    },
    {
      ...NAME,
      name: 'pod',
      label: { en: 'Pod', de: 'Pod' },
      help: {
        en: 'Empty: chosen when the session is opened, among those that run and match the selector.',
        de: 'Leer: wird beim Öffnen gewählt, unter denen, die laufen und zum Selektor passen.',
      },
    },
    {
      name: 'labelSelector',
      kind: 'text',
      group: WHERE,
      label: { en: 'Label selector', de: 'Label-Selektor' },
      help: {
        en: 'For example app=web,tier!=cache. Where one pod matches, it is opened without asking.',
        de: 'Zum Beispiel app=web,tier!=cache. Passt genau ein Pod, so wird er ohne Frage geöffnet.',
      },
      maxLength: 500,
      pattern: '^[A-Za-z0-9._/=!, ()\\-]*$',
    },
    {
      ...NAME,
      name: 'container',
      label: { en: 'Container', de: 'Container' },
      help: {
        en: 'Empty: the pod’s default container; chosen where it names none and has several.',
        de: 'Leer: der Standardcontainer des Pods; gewählt, wo er keinen nennt und mehrere hat.',
      },
    },
    {
      name: 'mode',
      kind: 'choice',
      group: GROUPS.session,
      label: { en: 'What is opened', de: 'Was geöffnet wird' },
      help: {
        en: 'Attaching shows the container’s own process. It goes on when the session ends.',
        de: 'Anhängen zeigt den Prozess des Containers selbst. Er läuft weiter, wenn die Sitzung endet.',
      },
      default: 'exec',
      options: [
        { value: 'exec', label: { en: 'A new command (exec)', de: 'Ein neuer Befehl (exec)' } },
        { value: 'attach', label: { en: 'The running process (attach)', de: 'Der laufende Prozess (attach)' } },
      ],
    },
    {
      name: 'command',
      kind: 'list',
      group: GROUPS.session,
      label: { en: 'Command', de: 'Befehl' },
      help: {
        en: 'One argument a line, given to the container as it is. Empty: bash where it is, otherwise sh.',
        de: 'Je Zeile ein Argument, dem Container unverändert gegeben. Leer: bash, wo es sie gibt, sonst sh.',
      },
      maxItems: 64,
      maxLength: 2_000,
    },
    {
      ...PEM,
      name: 'certificateAuthority',
      label: { en: 'Certificate authority', de: 'Zertifizierungsstelle' },
      help: {
        en: 'The cluster’s own, as PEM. Empty: the system’s authorities; otherwise the certificate’s key is pinned like a host key.',
        de: 'Die des Clusters, als PEM. Leer: die Stellen des Systems; sonst wird das Zertifikat wie ein Hostschlüssel festgehalten.',
      },
    },
    {
      name: 'serverName',
      kind: 'text',
      group: TRUST,
      label: { en: 'Name in the certificate', de: 'Name im Zertifikat' },
      help: {
        en: 'Where the certificate has another name than the address.',
        de: 'Wo das Zertifikat einen anderen Namen als die Adresse hat.',
      },
      maxLength: 253,
      pattern: '^[A-Za-z0-9.:_\\-]*$',
    },
    {
      ...PEM,
      name: 'clientCertificate',
      label: { en: 'Client certificate', de: 'Client-Zertifikat' },
      help: {
        en: 'As PEM, for a credential that is a private key. A password is used as a bearer token.',
        de: 'Als PEM, zu Zugangsdaten, die ein privater Schlüssel sind. Ein Passwort gilt als Bearer-Token.',
      },
    },
  ],
};

/** The manifest's parameters as the engine reads them. */
export interface KubernetesParameters {
  readonly namespace: string;
  readonly pod: string;
  readonly labelSelector: string;
  readonly container: string;
  readonly attaches: boolean;
  readonly command: readonly string[];
  readonly certificateAuthority: string | undefined;
  readonly serverName: string;
  readonly clientCertificate: string | undefined;
}

function text(value: ParameterValue | undefined): string {
  return typeof value === 'string' ? value.trim() : '';
}

function pem(value: ParameterValue | undefined): string | undefined {
  const lines = readLines(value).filter((line) => line.trim() !== '');
  return lines.length === 0 ? undefined : `${lines.join('\n')}\n`;
}

export function readParameters(values: ParameterValues): KubernetesParameters {
  const command = readLines(values['command']);
  return {
    namespace: text(values['namespace']),
    pod: text(values['pod']),
    labelSelector: text(values['labelSelector']),
    container: text(values['container']),
    attaches: values['mode'] === 'attach',
    command: command.length === 0 ? DEFAULT_COMMAND : command,
    certificateAuthority: pem(values['certificateAuthority']),
    serverName: text(values['serverName']),
    clientCertificate: pem(values['clientCertificate']),
  };
}
