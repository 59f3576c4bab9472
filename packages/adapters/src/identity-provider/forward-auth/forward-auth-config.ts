import { parseCidr } from '@enchilada/core/access';
import type { ParameterField, ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { ProviderManifest } from '@enchilada/core/identity';
import { isLoopback } from '../shared/loopback.ts';

const PROXY = { en: 'Proxy', de: 'Proxy' };
const HEADERS = { en: 'Plain headers', de: 'Einfache Header' };
const TOKEN = { en: 'Signed token (JWT)', de: 'Signiertes Token (JWT)' };

const BY_TOKEN = { field: 'says', is: 'token' };
const BY_HEADERS = { field: 'says', is: 'headers' };

const HEADER = '^[A-Za-z0-9-]{0,100}$';

const header = (
  name: string,
  standard: string,
  label: { readonly en: string; readonly de: string },
): ParameterField => ({
  ...{
    name,
    kind: 'text',
    group: HEADERS,
    when: BY_HEADERS,
    default: standard,
    maxLength: 100,
    pattern: HEADER,
    label,
  },
});

export const manifest: ProviderManifest = {
  kind: 'forward-auth',
  label: { en: 'Authenticating proxy', de: 'Authentisierender Proxy' },
  way: 'proxy',
  secret: { en: 'Not used', de: 'Nicht gebraucht' },
  parameters: [
    {
      name: 'peers',
      kind: 'list',
      required: true,
      group: PROXY,
      label: { en: 'Addresses of the proxy', de: 'Adressen des Proxys' },
      help: {
        en: 'One address or network a line: from where the proxy itself connects. Whoever else sends its headers is refused. Nobody but the proxy may be able to connect from there.',
        de: 'Eine Adresse oder ein Netz je Zeile: von wo der Proxy selbst verbindet. Wer sonst seine Header schickt, wird abgewiesen. Niemand außer dem Proxy darf von dort verbinden können.',
      },
      maxItems: 50,
      maxLength: 60,
      pattern: '^[0-9A-Fa-f.:/]+$',
    },
    {
      name: 'says',
      kind: 'choice',
      group: PROXY,
      label: { en: 'It names the person by', de: 'Er nennt die Person durch' },
      default: 'token',
      options: [
        { value: 'token', label: { en: 'a signed token', de: 'ein signiertes Token' } },
        { value: 'headers', label: { en: 'plain headers', de: 'einfache Header' } },
      ],
    },
    {
      name: 'tokenHeader',
      kind: 'text',
      required: true,
      group: TOKEN,
      when: BY_TOKEN,
      label: { en: 'Header', de: 'Header' },
      help: {
        en: 'For example cf-access-jwt-assertion or x-goog-iap-jwt-assertion.',
        de: 'Etwa cf-access-jwt-assertion oder x-goog-iap-jwt-assertion.',
      },
      maxLength: 100,
      pattern: HEADER,
    },
    {
      name: 'keysUrl',
      kind: 'text',
      required: true,
      group: TOKEN,
      when: BY_TOKEN,
      label: { en: 'Address of its keys (JWKS)', de: 'Adresse seiner Schlüssel (JWKS)' },
      maxLength: 500,
      pattern: '^(?:https?://[^\\s#]+)?$',
    },
    {
      name: 'issuer',
      kind: 'text',
      required: true,
      group: TOKEN,
      when: BY_TOKEN,
      label: { en: 'Issuer', de: 'Aussteller (Issuer)' },
      maxLength: 500,
    },
    {
      name: 'audience',
      kind: 'text',
      required: true,
      group: TOKEN,
      when: BY_TOKEN,
      label: { en: 'Audience', de: 'Empfänger (Audience)' },
      help: {
        en: 'What the proxy calls this application. Without it, a token of any other application would do.',
        de: 'Wie der Proxy diese Anwendung nennt. Sonst täte es auch das Token jeder anderen Anwendung.',
      },
      maxLength: 500,
    },
    {
      ...{ name: 'usernameClaim', kind: 'text', group: TOKEN, when: BY_TOKEN, default: 'email', maxLength: 100 },
      label: { en: 'Claim with the user name', de: 'Claim mit dem Benutzernamen' },
    },
    {
      ...{ name: 'groupsClaim', kind: 'text', group: TOKEN, when: BY_TOKEN, default: 'groups', maxLength: 100 },
      label: { en: 'Claim with the groups', de: 'Claim mit den Gruppen' },
    },
    header('userHeader', 'x-auth-request-user', { en: 'Header with the person', de: 'Header mit der Person' }),
    header('nameHeader', 'x-auth-request-preferred-username', {
      en: 'Header with the user name',
      de: 'Header mit dem Benutzernamen',
    }),
    header('groupsHeader', 'x-auth-request-groups', {
      en: 'Header with the groups, with commas between',
      de: 'Header mit den Gruppen, durch Kommas getrennt',
    }),
  ],
};

export interface ProxyConfig {
  readonly peers: readonly NonNullable<ReturnType<typeof parseCidr>>[];
  readonly token:
    | {
        readonly header: string;
        readonly keysUrl: URL;
        readonly issuer: string;
        readonly audience: string;
        readonly usernameClaim: string;
        readonly groupsClaim: string;
      }
    | undefined;
  readonly userHeader: string;
  readonly nameHeader: string;
  readonly groupsHeader: string;
}

/** @throws Fault INVALID_REQUEST */
export function readConfig(parameters: ParameterValues): ProxyConfig {
  const text = (name: string): string => {
    const field = manifest.parameters.find((one) => one.name === name);
    const value = parameters[name];
    const standard = field?.kind === 'text' ? (field.default ?? '') : '';
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : standard;
  };
  const lines = parameters['peers'];
  const peers = (Array.isArray(lines) ? (lines as readonly string[]) : []).map((line) => {
    const block = parseCidr(line);
    if (block === undefined) throw wrong('peers', `must be addresses or networks, received ${JSON.stringify(line)}`);
    if (block.bits === 0 || line.endsWith('/0')) throw wrong('peers', 'must not be everybody');
    return block;
  });
  if (peers.length === 0) throw wrong('peers', 'must name at least one address');
  const headers = {
    userHeader: text('userHeader').toLowerCase(),
    nameHeader: text('nameHeader').toLowerCase(),
    groupsHeader: text('groupsHeader').toLowerCase(),
  };
  if (parameters['says'] === 'headers') return { peers, token: undefined, ...headers };
  for (const name of ['tokenHeader', 'keysUrl', 'issuer', 'audience'])
    if (text(name) === '') throw wrong(name, 'must be given for a signed token');
  const keysUrl = URL.parse(text('keysUrl'));
  const isSafe = keysUrl?.protocol === 'https:' || (keysUrl !== null && isLoopback(keysUrl));
  if (keysUrl === null || !isSafe || keysUrl.username !== '')
    throw wrong('keysUrl', 'must begin with https:, unless it is on this machine');
  const token = {
    ...{ header: text('tokenHeader').toLowerCase(), keysUrl, issuer: text('issuer'), audience: text('audience') },
    ...{ usernameClaim: text('usernameClaim'), groupsClaim: text('groupsClaim') },
  };
  return { peers, token, ...headers };
}

function wrong(field: string, message: string): Fault {
  return new Fault('INVALID_REQUEST', `${field} ${message}`, { facts: { field: `body/parameters/${field}` } });
}
