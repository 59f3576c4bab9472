import type { TokenCredential } from '@azure/identity';
import type { Clock } from '@enchilada/core/time';
import { Fault } from '@enchilada/core/fault';
import type { Pacer } from '../shared/pacer.ts';
import type { AzureConfig } from './azure-config.ts';
import { toDiscoveryFault } from './azure-fault.ts';
import type { NetworkInterface, PublicAddress, VirtualMachine } from './machine-facts.ts';
import { subscriptionOf } from './resource-id.ts';

const COMPUTE = '2024-07-01';
const NETWORK = '2024-05-01';
/** The interfaces of Uniform sets stayed at this version. https://learn.microsoft.com/rest/api/virtualnetwork/network-interface-in-vm-ss */
const SCALE_SET_NETWORK = '2018-10-01';
const MOST_PAGES = 1_000;
const MOST_RETRIES = 5;

export interface ResourceManagerParts {
  readonly pipeline: typeof import('@azure/core-rest-pipeline');
  readonly credential: TokenCredential;
  readonly config: AzureConfig;
  readonly clock: Clock;
  readonly pacer: Pacer;
}

/**
 * The five reads of Resource Manager that discovery needs, through the SDK's own pipeline: tokens, retries with Retry-After, no redirects.
 * The generated clients of compute and network would be sixty megabytes for them.
 */
export class ResourceManager {
  readonly #parts: ResourceManagerParts;
  readonly #pipeline;
  readonly #http;

  constructor(parts: ResourceManagerParts) {
    this.#parts = parts;
    const { pipeline: sdk, credential, config } = parts;
    this.#http = sdk.createDefaultHttpClient();
    this.#pipeline = sdk.createPipelineFromOptions({
      userAgentOptions: { userAgentPrefix: 'enchilada' },
      retryOptions: { maxRetries: MOST_RETRIES },
      redirectOptions: { maxRetries: 0 },
    });
    this.#pipeline.addPolicy(sdk.bearerTokenAuthenticationPolicy({ credential, scopes: config.tokenScope }), {
      phase: 'Sign',
    });
  }

  /** Undefined where there is none. */
  machine(id: string, signal: AbortSignal): Promise<VirtualMachine | undefined> {
    const call = { permission: 'Microsoft.Compute/virtualMachines/read', signal };
    return this.#get(`${id}?$expand=instanceView&api-version=${COMPUTE}`, call) as Promise<VirtualMachine | undefined>;
  }

  networkInterface(id: string, signal: AbortSignal): Promise<NetworkInterface | undefined> {
    const call = { permission: 'Microsoft.Network/networkInterfaces/read', signal };
    return this.#get(`${id}?api-version=${NETWORK}`, call) as Promise<NetworkInterface | undefined>;
  }

  publicAddress(id: string, signal: AbortSignal): Promise<PublicAddress | undefined> {
    const call = { permission: 'Microsoft.Network/publicIPAddresses/read', signal };
    return this.#get(`${id}?api-version=${NETWORK}`, call) as Promise<PublicAddress | undefined>;
  }

  scaleSetMachines(set: string, signal: AbortSignal): Promise<readonly VirtualMachine[]> {
    const call = { permission: 'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read', signal };
    return this.#list(`${set}/virtualMachines?$expand=instanceView&api-version=${COMPUTE}`, call);
  }

  scaleSetInterfaces(set: string, signal: AbortSignal): Promise<readonly NetworkInterface[]> {
    const call = {
      permission: 'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces/read',
      signal,
    };
    return this.#list(`${set}/networkInterfaces?api-version=${SCALE_SET_NETWORK}`, call);
  }

  async #list<Row>(path: string, call: Call): Promise<readonly Row[]> {
    const rows: Row[] = [];
    let next: string | undefined = path;
    for (let page = 0; next !== undefined; page++) {
      if (page === MOST_PAGES) throw new Fault('DISCOVERY_FAILED', `the listing has more than ${MOST_PAGES} pages`);
      const answer = (await this.#get(next, call)) as
        { readonly value?: readonly Row[]; readonly nextLink?: string } | undefined;
      if (answer === undefined) break;
      rows.push(...(answer.value ?? []));
      next = answer.nextLink === '' ? undefined : answer.nextLink;
    }
    return rows;
  }

  /** INVARIANT: our token goes to the endpoint alone, whatever link an answer holds. */
  async #get(path: string, { permission, signal }: Call): Promise<unknown> {
    const { config, pacer, pipeline: sdk } = this.#parts;
    const url = new URL(path, config.endpoint);
    const account = subscriptionOf(url.pathname) ?? 'a resource';
    if (url.origin !== new URL(config.endpoint).origin)
      throw new Fault('DISCOVERY_FAILED', `the next page is at another address: ${url.origin}`);
    await pacer.turn(account, signal);
    try {
      const request = sdk.createPipelineRequest({ url: url.href, method: 'GET', abortSignal: signal });
      const { status, bodyAsText } = await this.#pipeline.sendRequest(this.#http, request);
      if (status === 404) return undefined;
      if (status !== 200) throw Object.assign(new Error(messageOf(bodyAsText)), { statusCode: status });
      return JSON.parse(bodyAsText ?? '') as unknown;
    } catch (cause) {
      signal.throwIfAborted();
      throw toDiscoveryFault(cause, { permission, account });
    }
  }
}

interface Call {
  readonly permission: string;
  readonly signal: AbortSignal;
}

function messageOf(body: string | null | undefined): string {
  try {
    const { error } = JSON.parse(body ?? '') as {
      readonly error?: { readonly code?: string; readonly message?: string };
    };
    return `${error?.code ?? ''} ${error?.message ?? ''}`;
  } catch {
    return (body ?? '').slice(0, 200);
  }
}
