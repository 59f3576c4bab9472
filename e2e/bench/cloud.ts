import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Site } from '../tests/site.ts';
import type { Answer, Ask, Placed } from './cloud-program.ts';
import { within } from './measure.ts';

export type { Placed } from './cloud-program.ts';

/** A process of `cloud-program.ts`, asked one thing after the other. */
class FarProgram implements AsyncDisposable {
  readonly pid: number;
  readonly first: Answer;
  readonly #child: ChildProcess;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess, first: Answer) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.first = first;
  }

  static async start(which: 'cloud' | 'queue'): Promise<FarProgram> {
    const child = fork(join(import.meta.dirname, 'cloud-program.ts'), [which], { execArgv: ['--conditions=source'] });
    const [first] = (await within(60_000, `the start of the ${which}`, once(child, 'message'))) as [Answer];
    return new FarProgram(child, first);
  }

  ask(ask: Ask): Promise<Answer> {
    const answer = this.#last.then(async () => {
      const heard = once(this.#child, 'message');
      this.#child.send(ask);
      const [found] = (await within(60_000, `an answer to ${ask.kind}`, heard)) as [Answer];
      return found;
    });
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.disconnect();
    await gone;
  }
}

export interface CloudSiteOptions {
  readonly accounts: readonly string[];
  readonly regions: readonly string[];
  /** Another database than the embedded one. */
  readonly databaseUrl?: string;
}

/** The product with a source that listens to a stand-in's events; both stand-ins are processes of their own. */
export class CloudSite implements AsyncDisposable {
  readonly site: Site;
  readonly cloud: FarProgram;
  readonly queue: FarProgram;
  readonly sourceId: string;
  readonly #switchOn: () => Promise<unknown>;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    parts: Pick<CloudSite, 'site' | 'cloud' | 'queue' | 'sourceId'> & { readonly switchOn: () => Promise<unknown> },
    owned: AsyncDisposableStack,
  ) {
    this.site = parts.site;
    this.cloud = parts.cloud;
    this.queue = parts.queue;
    this.sourceId = parts.sourceId;
    this.#switchOn = parts.switchOn;
    this.#owned = owned;
  }

  /** The source is switched off until `switchOn`. */
  static async start({ accounts, regions, databaseUrl }: CloudSiteOptions): Promise<CloudSite> {
    await using owned = new AsyncDisposableStack();
    const cloud = owned.use(await FarProgram.start('cloud'));
    const queue = owned.use(await FarProgram.start('queue'));
    const profile = process.env['BENCH_PROFILE'];
    const profiled =
      profile === undefined
        ? {}
        : { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --cpu-prof --cpu-prof-dir=${profile}` };
    const site = owned.use(
      await Site.start({
        config: 'log: { level: warn }\n',
        environment: {
          ...cloud.first.environment,
          ...profiled,
          ...(databaseUrl === undefined ? {} : { ENCHILADA_DATABASE_URL: databaseUrl }),
        },
      }),
    );
    const { api } = site.admin;
    const parameters = {
      ...{ accounts: accounts.map((account, index) => `${account}=Account ${index}`), regions: [...regions] },
      ...{ queueUrl: queue.first.url ?? '', endpoint: cloud.first.url ?? '' },
    };
    const fields = { name: 'Cloud', parameters, protectedTags: [] };
    const source = await api.createSource({ body: { ...fields, kind: 'aws', enabled: false } });
    await cloud.ask({ kind: 'roles', accounts, externalId: source.externalId });
    const { id, version } = source;
    const switchOn = () => api.updateSource({ params: { id }, body: { ...fields, enabled: true, version } });
    return new CloudSite({ site, cloud, queue, sourceId: id, switchOn }, owned.move());
  }

  /** Answers how many seconds the first listing of every scope took. */
  async switchOn(limitMs: number): Promise<number> {
    const since = performance.now();
    await this.#switchOn();
    const { api } = this.site.admin;
    const query = { params: { id: this.sourceId } };
    for (;;) {
      const { items } = await api.listSourceScopes(query);
      const faulty = items.find(({ problem }) => problem !== undefined);
      if (faulty !== undefined) throw new Error(`${faulty.account} ${faulty.region}: ${faulty.problem?.detail ?? ''}`);
      const spent = performance.now() - since;
      if (items.length > 0 && items.every(({ lastSweepAt }) => lastSweepAt !== undefined)) return spent / 1_000;
      if (spent > limitMs) throw new Error(`not every scope was listed within ${limitMs / 1_000} s`);
      await sleep(250);
    }
  }

  async put(machines: readonly Placed[]): Promise<void> {
    await this.cloud.ask({ kind: 'put', machines });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

export function machine(number: number, where: { readonly account: string; readonly region: string }): Placed {
  const hex = number.toString(16).padStart(6, '0');
  return { ...where, id: `i-0bec4bec4be${hex}`, state: 'running', name: `host-${String(number).padStart(6, '0')}` };
}

/** Account numbers have twelve digits. */
export function accountNumbers(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => String(100_000_000_001 + index));
}
