import { AwsStandIn, machineOf, organisationIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { until } from '@enchilada/core/testing/until';
import { Chromium } from '../fixtures/chromium.ts';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';

const REGION = 'eu-west-1';

interface Size {
  readonly accounts: number;
  /** Machines of each. */
  readonly each: number;
}

/** A gateway with one source, an organisation of AWS accounts that is switched off at first, and somebody who looks after it in a browser. */
export class Organisation implements AsyncDisposable {
  readonly cloud: AwsStandIn;
  readonly browser: Chromium;
  readonly person: Person;
  readonly sourceId: string;
  /** The accounts as the form takes them, a line each. */
  readonly lines: readonly string[];
  readonly #accounts: readonly string[];
  readonly #all: number;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    owned: AsyncDisposableStack,
    parts: Pick<Organisation, 'cloud' | 'browser' | 'person' | 'sourceId' | 'lines'> & {
      readonly accounts: readonly string[];
      readonly all: number;
    },
  ) {
    this.#owned = owned;
    this.cloud = parts.cloud;
    this.browser = parts.browser;
    this.person = parts.person;
    this.sourceId = parts.sourceId;
    this.lines = parts.lines;
    this.#accounts = parts.accounts;
    this.#all = parts.all;
  }

  static async start({ accounts: count, each }: Size): Promise<Organisation> {
    await using owned = new AsyncDisposableStack();
    const cloud = owned.use(await AwsStandIn.start());
    const gateway = owned.use(await Gateway.start({ environment: cloud.environment }));
    const browser = owned.use(await Chromium.launch());
    const person = await Person.bootstrap(gateway, { username: 'ada', password: 'seven calm otters on a raft' });
    const made = organisationIn(cloud, { region: REGION, accounts: count, each });
    const lines = made.map(({ id, name }) => `${id}=${name}`);
    const parameters = { accounts: lines, regions: [REGION], endpoint: cloud.url };
    const { id: sourceId, externalId } = await person.api.createSource({
      body: { name: 'organisation', kind: 'aws', protectedTags: [], enabled: false, parameters },
    });
    const accounts = made.map(({ id }) => id);
    for (const id of accounts) cloud.roles.set(id, externalId);
    return new Organisation(owned.move(), {
      ...{ cloud, browser, person, sourceId, lines, accounts },
      all: count * each,
    });
  }

  /** Done when all of its machines are there. */
  async switchOn(): Promise<void> {
    const { api } = this.person;
    for (const { id, name, parameters, protectedTags, version } of (await api.listSources({})).items)
      await api.updateSource({ params: { id }, body: { name, parameters, protectedTags, version, enabled: true } });
    await until(async () => (await this.machines()) === this.#all);
  }

  /** So many that the page counts. */
  async machines(): Promise<number | undefined> {
    return (await this.person.api.listSources({})).items[0]?.machines;
  }

  /** The cloud no longer has the first of an account, counted from 0. */
  lose(account: number, machines: number): void {
    for (let index = 0; index < machines; index++)
      this.cloud.remove(this.#accounts[account] ?? '', REGION, machineOf(account, index));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned[Symbol.asyncDispose]();
  }
}
