import { createHash } from 'node:crypto';
import { lookup } from 'node:dns';
import { request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { egressVerdict, type EgressPolicy } from '@enchilada/core/access';
import type { SourceType } from '@enchilada/core/discovery';
import type { ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { inventoryFolder } from '../shared/inventory-folder.ts';
import { type Documents, failed, inventorySource } from '../shared/inventory-source.ts';
import { parseMachineList } from '../shared/machine-list.ts';

const READING = { en: 'Reading', de: 'Lesen' };
const LARGEST = 32 * 1024 * 1024;
const LIMIT_MS = 30_000;

export interface EndpointParts {
  readonly clock: Clock;
  /** Where files with tokens lie. */
  readonly folder: string;
  readonly egress: EgressPolicy;
}

/** A list of machines behind an HTTPS address, for example of a configuration database. */
export function inventoryEndpoint({ clock, folder, egress }: EndpointParts): SourceType {
  return {
    manifest: {
      kind: 'inventory-endpoint',
      label: { en: 'List of machines (HTTPS)', de: 'Liste von Maschinen (HTTPS)' },
      parameters: [
        {
          name: 'url',
          kind: 'text',
          required: true,
          group: READING,
          label: { en: 'Address', de: 'Adresse' },
          help: {
            en: 'Answers a list in YAML, JSON or CSV. Redirects are not followed; egress rules hold.',
            de: 'Antwortet mit einer Liste in YAML, JSON oder CSV. Weiterleitungen wird nicht gefolgt; die Regeln für ausgehende Verbindungen gelten.',
          },
          maxLength: 500,
          pattern: '^https://[^\\s#@]+$',
        },
        {
          name: 'tokenFile',
          kind: 'text',
          group: READING,
          label: { en: 'File with the token', de: 'Datei mit dem Token' },
          help: {
            en: 'Below the folder for inventories of the node (discovery.inventories); sent as bearer token. Empty: none.',
            de: 'Unterhalb des Ordners für Inventare des Knotens (discovery.inventories); wird als Bearer-Token gesendet. Leer: keines.',
          },
          default: '',
          maxLength: 300,
          pattern: '^(?!\\.)[^\\\\\\u0000-\\u001f]*$',
        },
        {
          name: 'everySeconds',
          kind: 'number',
          group: READING,
          label: { en: 'Asked every', de: 'Gefragt alle' },
          default: 60,
          minimum: 5,
          maximum: 3_600,
          unit: 's',
        },
      ],
    },
    open({ parameters }) {
      const every = parameters['everySeconds'];
      return Promise.resolve(
        inventorySource({
          documents: answersOf({ clock, folder, egress }, parameters),
          parse: (text, name) => parseMachineList(text, name),
          clock,
          watchMs: 1_000 * (typeof every === 'number' ? every : 60),
        }),
      );
    },
  };
}

/** One document, whose answer is kept until the next look. */
function answersOf(parts: EndpointParts, parameters: ParameterValues): Documents {
  const given = parameters['url'];
  if (typeof given !== 'string' || given === '')
    throw new Fault('CONFIGURATION_INVALID', 'name an address', { facts: { key: 'url' } });
  const url = new URL(given);
  const name = url.host;
  const tokenFile = parameters['tokenFile'];
  const ask = async (signal: AbortSignal): Promise<string> => {
    const token =
      typeof tokenFile === 'string' && tokenFile !== ''
        ? (await inventoryFolder(parts.folder, { path: tokenFile }).read(tokenFile, signal))?.trim()
        : undefined;
    return get(url, { egress: parts.egress, token, signal, name });
  };
  return {
    async list(signal) {
      const text = await ask(signal).catch(() => {
        signal.throwIfAborted();
        // That it cannot be read is told by the listing of its scope.
        return '';
      });
      return new Map([[name, createHash('sha256').update(text).digest('hex')]]);
    },
    read: (_name, signal) => ask(signal),
  };
}

interface Asking {
  readonly egress: EgressPolicy;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
  readonly name: string;
}

function get(url: URL, { egress, token, signal, name }: Asking): Promise<string> {
  const host = url.hostname.replaceAll(/^\[|\]$/gu, '');
  const refusal = (address: string): Fault | undefined => {
    const verdict = egressVerdict(address, egress);
    return verdict.allowed ? undefined : failed(name, `${address} is not allowed: ${verdict.reason}`);
  };
  // INVARIANT: every address that is connected to was judged, whatever the name resolves to at that moment.
  const judged: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const refused =
        error === null ? addresses.map(({ address }) => refusal(address)).find((one) => one !== undefined) : error;
      if (refused !== undefined) callback(refused, [], 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
    });
  };
  const literal = isIP(host) === 0 ? undefined : refusal(host);
  if (literal !== undefined) return Promise.reject(literal);
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? (cause as Error).message;
      reject(cause instanceof Fault ? cause : failed(name, code));
    };
    const headers = {
      accept: 'application/json, application/yaml, text/csv',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const sent = request(url, { headers, lookup: judged, signal: limit }, (response) => {
      const { statusCode = 0 } = response;
      if (statusCode === 401 || statusCode === 403) {
        response.destroy();
        reject(
          new Fault('DISCOVERY_DENIED', `${name} answered ${statusCode}`, {
            facts: { account: name, permission: 'read' },
          }),
        );
        return;
      }
      if (statusCode !== 200) {
        response.destroy();
        reject(
          statusCode === 429
            ? new Fault('DISCOVERY_THROTTLED', `${name} answered 429`, { facts: { account: name } })
            : failed(name, `it answered ${statusCode}`),
        );
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > LARGEST) response.destroy(failed(name, `the answer has more than ${LARGEST} bytes`));
      });
      // An answer that is cut off ends in an error and not in `end`.
      response.on('error', fail);
      response.on('end', () => {
        resolve(Buffer.concat(chunks).toString('utf8'));
      });
    });
    sent.on('error', fail);
    sent.end();
  });
}
