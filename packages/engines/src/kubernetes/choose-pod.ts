import type { EngineContext, LocalizedText } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { Refusal, type ApiServer } from './api-server.ts';
import { isName, namesOf, podOf, type Container, type Pod } from './codec/index.ts';
import type { KubernetesParameters } from './kubernetes-manifest.ts';
import { unlessAborted, type Patience } from '../shared/index.ts';

const PAGE = 500;
/** What a person can look through; a selector narrows it. */
const MOST_PAGES = 4;

const ASKED = {
  namespace: { en: 'Namespace', de: 'Namespace' },
  pod: { en: 'Pod', de: 'Pod' },
  container: { en: 'Container', de: 'Container' },
} as const satisfies Readonly<Record<string, LocalizedText>>;

export interface Place {
  readonly namespace: string;
  readonly pod: string;
  readonly container: Container;
}

export interface ChoiceParts {
  readonly api: ApiServer;
  readonly parameters: KubernetesParameters;
  readonly title: string;
  readonly patience: Patience;
  readonly signal: AbortSignal;
  readonly ask: EngineContext['ask'];
}

/** Where the machine's parameters leave something open, the person chooses from what the API lists. @throws Fault */
export async function choosePlace(parts: ChoiceParts): Promise<Place> {
  const { api, parameters } = parts;
  const namespace = parameters.namespace === '' ? await chooseNamespace(parts) : parameters.namespace;
  const pods = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const name = parameters.pod === '' ? await choosePod(parts, pods) : parameters.pod;
  const pod = podOf(await api.get(`${pods}/${encodeURIComponent(name)}`));
  if (pod === undefined) throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the target answered with what is no pod');
  if (!pod.isRunning) throw new Fault('SHELL_REFUSED', `the pod ${name} is not running`);
  return { namespace, pod: name, container: await chooseContainer(parts, pod) };
}

async function chooseNamespace(parts: ChoiceParts): Promise<string> {
  const names = await listed(parts.api, '/api/v1/namespaces', {});
  return onlyOne(names) ?? choose(parts, 'namespace', names);
}

async function choosePod(parts: ChoiceParts, path: string): Promise<string> {
  const { labelSelector } = parts.parameters;
  const names = await listed(parts.api, path, {
    fieldSelector: 'status.phase=Running',
    ...(labelSelector === '' ? {} : { labelSelector }),
  });
  if (names?.length === 0) throw new Fault('SHELL_REFUSED', 'no pod runs there that the selector matches');
  return onlyOne(names) ?? choose(parts, 'pod', names);
}

async function chooseContainer(parts: ChoiceParts, pod: Pod): Promise<Container> {
  const { container } = parts.parameters;
  const names = pod.containers.map(({ name }) => name);
  const wanted =
    container === ''
      ? (pod.defaultContainer ?? onlyOne(names) ?? (await choose(parts, 'container', names)))
      : container;
  const found = pod.containers.find(({ name }) => name === wanted);
  if (found === undefined) throw new Fault('SHELL_REFUSED', `the pod ${pod.name} has no container ${wanted}`);
  return found;
}

function onlyOne(names: readonly string[] | undefined): string | undefined {
  return names?.length === 1 ? names[0] : undefined;
}

/** Undefined where the account may not list: then the person types the name. */
async function listed(
  api: ApiServer,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<readonly string[] | undefined> {
  const all: string[] = [];
  let next: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const search = new URLSearchParams({
      ...query,
      limit: String(PAGE),
      ...(next === undefined ? {} : { continue: next }),
    });
    let found;
    try {
      found = namesOf(await api.get(`${path}?${search.toString()}`));
    } catch (failure) {
      if (failure instanceof Refusal && failure.status === 403) return undefined;
      throw failure;
    }
    if (found === undefined) throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the target answered with what is no list');
    all.push(...found.names);
    next = found.next;
    if (next === undefined) break;
  }
  return all;
}

async function choose(
  { ask, title, patience, signal }: ChoiceParts,
  what: keyof typeof ASKED,
  choices: readonly string[] | undefined,
): Promise<string> {
  const [answer = ''] = await unlessAborted(
    patience.whileAsking(() =>
      ask({
        origin: 'product',
        title,
        instruction: '',
        fields: [{ text: what, label: ASKED[what], echo: true, ...(choices === undefined ? {} : { choices }) }],
      }),
    ),
    signal,
  );
  const name = answer.trim();
  if (!isName(name)) throw new Fault('SHELL_REFUSED', `${JSON.stringify(name.slice(0, 100))} is no name of a ${what}`);
  return name;
}
