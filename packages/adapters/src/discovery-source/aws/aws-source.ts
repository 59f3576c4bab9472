import type { EC2Client, Filter, Reservation, Vpc } from '@aws-sdk/client-ec2';
import type {
  DiscoverySource,
  ListedScope,
  MachineAccess,
  Scope,
  Sighting,
  SourceRecord,
  SourceType,
} from '@enchilada/core/discovery';
import { externalIdOf } from '@enchilada/core/discovery';
import { Fault, toFault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { type AwsConfig, manifest, readConfig } from './aws-config.ts';
import { toDiscoveryFault } from './aws-fault.ts';
import { sightingOf } from './instance-facts.ts';
import { machineAccess } from './machine-access.ts';
import { NetworkNames } from './network-names.ts';
import { onboarding, readerActions } from './onboarding.ts';
import { partitionOf } from './partition.ts';
import { onlyOf } from './role-identity.ts';
import { atOnce } from '../shared/at-once.ts';
import { Pacer, Turns } from '../shared/pacer.ts';
import { PageTokens } from '../shared/page-tokens.ts';
import { sqsHints } from './sqs-hints.ts';

const PAGE = 1_000;
const IDS_PER_FILTER = 200;
/** One that does not answer keeps no other waiting. */
const ACCOUNTS_AT_ONCE = 16;
const ROLE_SECONDS = 900;
const LONGEST_SESSION_NAME = 64;
/** By default the SDK waits for ever. A queue is asked for 20 s. */
const REQUEST_LIMITS = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true };
/** Terminated instances stay describable for about an hour; a listing has no use for them. */
const LISTED = ['pending', 'running', 'stopping', 'stopped'];

/** EC2 in many accounts, by a reader role in each. Permissions: docs/discovering-machines.md. */
export function aws({ clock }: { readonly clock: Clock }): SourceType {
  // A preview asks the same accounts as the source that runs, within the same limits.
  const turns = new Turns();
  return {
    manifest,
    onboarding,
    shareAmong(nodes) {
      turns.nodes = nodes;
    },
    async open(record) {
      const config = readConfig(record.parameters);
      if (config.accounts.size === 0 && !config.organization)
        throw new Fault('CONFIGURATION_INVALID', 'name accounts, or take those of the organization', {
          facts: { key: 'accounts' },
        });
      // INVARIANT: the SDK is loaded only where a source needs it.
      const [ec2, sqs, organizations, providers] = await Promise.all([
        import('@aws-sdk/client-ec2'),
        import('@aws-sdk/client-sqs'),
        import('@aws-sdk/client-organizations'),
        import('@aws-sdk/credential-providers'),
      ]);
      return new AwsSource({ record, config, clock, turns, sdk: { ec2, sqs, organizations, providers } });
    },
  };
}

interface Sdk {
  readonly ec2: typeof import('@aws-sdk/client-ec2');
  readonly sqs: typeof import('@aws-sdk/client-sqs');
  readonly organizations: typeof import('@aws-sdk/client-organizations');
  readonly providers: typeof import('@aws-sdk/credential-providers');
}

interface AwsParts {
  readonly record: SourceRecord;
  readonly config: AwsConfig;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly sdk: Sdk;
}

class AwsSource implements DiscoverySource {
  readonly #parts: AwsParts;
  readonly #pacer: Pacer;
  readonly #clients = new Map<string, EC2Client>();
  readonly #closers: (() => void)[] = [];
  readonly #closing = new AbortController();
  readonly #names: NetworkNames | undefined;
  readonly hints: DiscoverySource['hints'];
  readonly access: MachineAccess;
  readonly shortfalls?: NonNullable<DiscoverySource['shortfalls']>;
  readonly trustGaps?: NonNullable<DiscoverySource['trustGaps']>;

  constructor(parts: AwsParts) {
    const { config, clock, turns, sdk } = parts;
    this.#parts = parts;
    this.#pacer = new Pacer(clock, config.callsPerSecond, turns);
    this.access = machineAccess({
      ec2: sdk.ec2,
      shared: (region) => this.#shared(region),
      credentials: ({ scope: { account, region }, nativeId }, { person, action }) =>
        this.#assume(account, {
          role: config.connectRoleName,
          session: sessionNameOf(person, parts.record),
          policy: policyOf([action], `arn:${partitionOf(region)}:ec2:${region}:${account}:instance/${nativeId}`),
        }),
    });
    if (config.networkNames) {
      const names = new NetworkNames(clock, (scope, ids, signal) => this.#vpcs(scope, ids, signal));
      this.#names = names;
      this.shortfalls = () => names.shortfalls();
    }
    if (config.checkExternalId) this.trustGaps = (accounts, signal) => this.#trustGaps(accounts, signal);
    if (config.queueUrl !== undefined) {
      const endpoint = new URL(config.queueUrl).origin;
      const client = new sdk.sqs.SQSClient({
        region: regionOf(config),
        endpoint,
        requestHandler: REQUEST_LIMITS,
      });
      dropLogging(client);
      this.#closers.push(() => {
        client.destroy();
      });
      this.hints = sqsHints({ client, commands: sdk.sqs, queueUrl: config.queueUrl, clock });
    }
  }

  async scopes(signal: AbortSignal): Promise<readonly ListedScope[]> {
    const { config } = this.#parts;
    const accounts = new Map(config.accounts);
    if (config.organization)
      for (const [id, name] of await this.#organization(signal)) if (!accounts.has(id)) accounts.set(id, name);
    const each = await atOnce([...accounts], ACCOUNTS_AT_ONCE, ([account, accountName]) =>
      this.#scopesOf({ account, accountName }, signal),
    );
    return each.flat();
  }

  async *scan(scope: Scope, signal: AbortSignal): AsyncIterable<readonly Sighting[]> {
    const filters = [{ Name: 'instance-state-name', Values: LISTED }];
    yield* this.#describe(scope, filters, signal);
  }

  async describe(scope: Scope, nativeIds: readonly string[], signal: AbortSignal): Promise<readonly Sighting[]> {
    const sightings: Sighting[] = [];
    for (let at = 0; at < nativeIds.length; at += IDS_PER_FILTER) {
      // A filter and not InstanceIds: one id that EC2 does not know would fail the whole call.
      const filters = [{ Name: 'instance-id', Values: nativeIds.slice(at, at + IDS_PER_FILTER) }];
      for await (const page of this.#describe(scope, filters, signal)) sightings.push(...page);
    }
    return sightings;
  }

  async #trustGaps(accounts: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Fault | undefined>> {
    const { config, record } = this.#parts;
    const learnt = new Map<string, Fault | undefined>();
    for (const account of accounts) {
      signal.throwIfAborted();
      const role = config.roleName;
      const asked = {
        role,
        session: `enchilada-check-${record.id}`,
        policy: policyOf(readerActions(config), '*'),
        withoutId: true,
      } as const;
      try {
        await this.#assume(account, asked)();
        learnt.set(
          account,
          new Fault(
            'DISCOVERY_DENIED',
            `the trust policy of ${role} in account ${account} does not ask for sts:ExternalId: add the condition StringEquals sts:ExternalId ${externalIdOf(record.id)}`,
            { facts: { account, permission: 'sts:ExternalId' } },
          ),
        );
      } catch (cause) {
        // Refused is well; whatever else stands in the way says nothing of the trust policy.
        if (cause instanceof Error && cause.name === 'AccessDenied') learnt.set(account, undefined);
      }
    }
    return learnt;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.hints?.[Symbol.asyncDispose]();
    for (const client of this.#clients.values()) client.destroy();
    for (const close of this.#closers) close();
  }

  async #scopesOf(
    { account, accountName }: Omit<ListedScope, 'region'>,
    signal: AbortSignal,
  ): Promise<readonly ListedScope[]> {
    const { config } = this.#parts;
    try {
      const regions = config.regions.length > 0 ? config.regions : await this.#regions(account, signal);
      return regions.map((region) => ({ account, region, accountName }));
    } catch (failure) {
      signal.throwIfAborted();
      // An account that cannot be read is shown as a scope that fails, and costs no other.
      return [{ account, region: config.homeRegion, accountName, unlisted: toFault(failure) }];
    }
  }

  async *#describe(scope: Scope, filters: readonly Filter[], signal: AbortSignal): AsyncIterable<readonly Sighting[]> {
    const { sdk, clock } = this.#parts;
    const client = this.#ec2(scope);
    const pages = new PageTokens(`EC2 in account ${scope.account}`);
    let token: string | undefined;
    do {
      await this.#pacer.turn(`${scope.account} ${scope.region}`, signal);
      const observedAt = clock.now();
      const input = { Filters: [...filters], MaxResults: PAGE, ...(token === undefined ? {} : { NextToken: token }) };
      const page = await client
        .send(new sdk.ec2.DescribeInstancesCommand(input), { abortSignal: signal })
        .catch((cause: unknown) => {
          signal.throwIfAborted();
          throw toDiscoveryFault(cause, { permission: 'ec2:DescribeInstances', account: scope.account });
        });
      const sightings = sightingsOf(page.Reservations ?? [], observedAt);
      yield (await this.#names?.named(scope, sightings, signal)) ?? sightings;
      token = pages.next(page.NextToken);
    } while (token !== undefined);
  }

  async #vpcs(scope: Scope, ids: readonly string[], signal: AbortSignal): Promise<readonly Vpc[]> {
    const { sdk } = this.#parts;
    const client = this.#ec2(scope);
    const pages = new PageTokens(`EC2 in account ${scope.account}`);
    const vpcs: Vpc[] = [];
    let token: string | undefined;
    do {
      await this.#pacer.turn(`${scope.account} ${scope.region}`, signal);
      const input = {
        Filters: [{ Name: 'vpc-id', Values: [...ids] }],
        MaxResults: PAGE,
        ...(token === undefined ? {} : { NextToken: token }),
      };
      const page = await client
        .send(new sdk.ec2.DescribeVpcsCommand(input), { abortSignal: signal })
        .catch((cause: unknown) => {
          throw toDiscoveryFault(cause, { permission: 'ec2:DescribeVpcs', account: scope.account });
        });
      vpcs.push(...(page.Vpcs ?? []));
      token = pages.next(page.NextToken);
    } while (token !== undefined);
    return vpcs;
  }

  async #regions(account: string, signal: AbortSignal): Promise<readonly string[]> {
    const { sdk, config } = this.#parts;
    const client = this.#ec2({ account, region: config.homeRegion });
    await this.#pacer.turn(`${account} ${config.homeRegion}`, signal);
    const answer = await client
      .send(new sdk.ec2.DescribeRegionsCommand({ AllRegions: false }), { abortSignal: signal })
      .catch((cause: unknown) => {
        throw toDiscoveryFault(cause, { permission: 'ec2:DescribeRegions', account });
      });
    const regions = (answer.Regions ?? []).flatMap(({ RegionName }) => RegionName ?? []);
    if (regions.length === 0)
      throw new Fault('DISCOVERY_FAILED', `ec2:DescribeRegions in account ${account} named no region`, {
        facts: { account },
      });
    return regions;
  }

  async #organization(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const { sdk, config } = this.#parts;
    const client = new sdk.organizations.OrganizationsClient(this.#shared(config.homeRegion));
    const accounts = new Map<string, string>();
    const pages = new PageTokens('AWS Organizations');
    try {
      let token: string | undefined;
      do {
        const input = token === undefined ? {} : { NextToken: token };
        const page = await client.send(new sdk.organizations.ListAccountsCommand(input), { abortSignal: signal });
        for (const { Id, Name, State, Status } of page.Accounts ?? [])
          if (Id !== undefined && (State ?? Status) === 'ACTIVE') accounts.set(Id, Name ?? Id);
        token = pages.next(page.NextToken);
      } while (token !== undefined);
      return accounts;
    } catch (cause) {
      signal.throwIfAborted();
      throw toDiscoveryFault(cause, { permission: 'organizations:ListAccounts', account: 'of the organization' });
    } finally {
      client.destroy();
    }
  }

  /** INVARIANT: credentials of an account serve that account only, and only for reading. */
  #ec2({ account, region }: Scope): EC2Client {
    const key = `${account} ${region}`;
    const { sdk, config, record } = this.#parts;
    let client = this.#clients.get(key);
    if (client === undefined) {
      const credentials = this.#assume(account, {
        role: config.roleName,
        session: `enchilada-${record.id}`,
        // None of the calls can be limited to a resource.
        policy: policyOf(readerActions(config), '*'),
      });
      client = new sdk.ec2.EC2Client({ ...this.#shared(region), credentials, retryMode: 'adaptive', maxAttempts: 5 });
      dropLogging(client);
      this.#paceRetries(client, key);
      this.#clients.set(key, client);
    }
    return client;
  }

  /** A call that is made again after it was refused is a call too, and takes its turn. */
  #paceRetries(client: EC2Client, key: string): void {
    client.middlewareStack.addRelativeTo(
      <C extends { readonly request: unknown }, A>(next: (call: C) => Promise<A>) =>
        async (call: C): Promise<A> => {
          const { headers = {} } = call.request as { readonly headers?: Readonly<Record<string, string>> };
          const isFirst = /\battempt=1\b/u.test(headers['amz-sdk-request'] ?? 'attempt=1');
          if (!isFirst) await this.#pacer.turn(key, this.#closing.signal);
          return next(call);
        },
      { relation: 'after', toMiddleware: 'retryMiddleware', name: 'paceRetries' },
    );
  }

  /** INVARIANT: whatever the role allows, the session may do no more than the calls that are made. */
  #assume(account: string, { role, session, policy, withoutId }: Assumption) {
    const { sdk, config, record } = this.#parts;
    return sdk.providers.fromTemporaryCredentials({
      params: {
        RoleArn: `arn:${partitionOf(config.homeRegion)}:iam::${account}:role/${role}`,
        RoleSessionName: session,
        Policy: policy,
        ...(withoutId === true ? {} : { ExternalId: externalIdOf(record.id) }),
        DurationSeconds: ROLE_SECONDS,
      },
      clientConfig: this.#shared(config.homeRegion),
      clientPlugins: [onlyOf({ account, role })],
    });
  }

  #shared(region: string) {
    const { endpoint } = this.#parts.config;
    return { region, requestHandler: REQUEST_LIMITS, ...(endpoint === undefined ? {} : { endpoint }) };
  }
}

function sightingsOf(reservations: readonly Reservation[], observedAt: number): readonly Sighting[] {
  return reservations.flatMap(({ Instances = [] }) =>
    Instances.flatMap((instance) => {
      const sighting = sightingOf(instance, observedAt);
      return sighting === undefined ? [] : [sighting];
    }),
  );
}

/** The SDK copies every answer for its log, whether or not anything is logged. */
function dropLogging({ middlewareStack }: { readonly middlewareStack: { remove(name: string): boolean } }): void {
  middlewareStack.remove('loggerMiddleware');
}

interface Assumption {
  readonly role: string;
  readonly session: string;
  readonly policy: string;
  /** To learn whether the role would let anybody in. */
  readonly withoutId?: true;
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html: the session may do what role and policy both allow. */
function policyOf(actions: readonly string[], resource: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: actions, Resource: resource }],
  });
}

/** For the account's own log: who was let in, by which source. */
function sessionNameOf(person: string, { id }: SourceRecord): string {
  const source = `@${id}`;
  const name = `enchilada-${person.replaceAll(/[^\w+=,.@-]/gu, '-')}`;
  return name.slice(0, LONGEST_SESSION_NAME - source.length) + source;
}

/** `https://sqs.eu-west-1.amazonaws.com/…` */
function regionOf({ queueUrl = '', homeRegion }: AwsConfig): string {
  return /\/\/sqs\.([a-z0-9-]+)\./u.exec(queueUrl)?.[1] ?? homeRegion;
}
