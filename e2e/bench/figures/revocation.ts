import { OpenIdServer, OpenIdVisitor } from '@enchilada/adapters/identity-provider/oidc/testing';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Balancer, DoorPage } from '../../cluster/balancer.ts';
import { personWithMachine } from '../../cluster/people.ts';
import { TwoNodes } from '../../cluster/two-nodes.ts';
import { WITHDRAWALS } from '../../cluster/withdrawals.ts';
import { Person } from '../../product/index.ts';
import type { Shell } from '../../product/index.ts';
import { ADMIN } from '../../tests/site.ts';
import { startTarget } from '../bench-site.ts';
import type { Experiment, FigureId, Measured } from '../figure.ts';
import { median, rounded, roundsOf } from '../measure.ts';

const ROUNDS = 3;

/** Sessions are held by node A; what ends them is asked for at A or at B. */
const NODES = { 'revocation-ms': 'a', 'revocation-across-nodes-ms': 'b' } as const satisfies Partial<
  Record<FigureId, 'a' | 'b'>
>;
type RevocationFigure = keyof typeof NODES;
type Node = 'a' | 'b';

class Company implements AsyncDisposable {
  readonly #owned = new AsyncDisposableStack();
  readonly #balancer: Balancer;
  readonly #admin: Person;
  readonly #sshd: Sshd;
  readonly #idp: OpenIdServer;
  readonly #providerId: string;
  #people = 0;

  private constructor(
    parts: { readonly balancer: Balancer; readonly admin: Person; readonly sshd: Sshd; readonly idp: OpenIdServer },
    { providerId, owned }: { readonly providerId: string; readonly owned: AsyncDisposableStack },
  ) {
    this.#balancer = parts.balancer;
    this.#admin = parts.admin;
    this.#sshd = parts.sshd;
    this.#idp = parts.idp;
    this.#providerId = providerId;
    this.#owned.use(owned);
  }

  static async start(): Promise<Company> {
    await using owned = new AsyncDisposableStack();
    const sshd = owned.use(await startTarget());
    const idp = owned.use(await OpenIdServer.start());
    const balancer = owned.use(await Balancer.start());
    const environment = { ENCHILADA_PUBLIC_URL: balancer.url, ENCHILADA_SECOND_FACTOR_REQUIRED: 'nobody' };
    const both = owned.use(await TwoNodes.start({ environment }));
    balancer.serve(both);
    const admin = await Person.bootstrap(both.a, ADMIN);
    const provider = await admin.api.createProvider({
      body: {
        ...{ kind: 'oidc', name: 'Example', secret: idp.clientSecret, rules: [], admits: 'everyone' },
        ...{ parameters: { issuer: idp.issuer, clientId: idp.clientId }, trustsFactor: false, enabled: true },
      },
    });
    const { id: providerId, returnTo = '', logoutTo = '' } = provider;
    idp.register({ returnTo, logoutTo, signedOut: `${balancer.url}/sign-in` });
    return new Company({ balancer, admin, sshd, idp }, { providerId, owned: owned.move() });
  }

  /** From the request to the word of the end, for one way of losing a right. */
  async timeOf(name: string, node: Node): Promise<number> {
    const withdrawal = WITHDRAWALS[name];
    if (withdrawal === undefined) return this.#timeOfLogout(node);
    const { prepare, withdraw } = withdrawal;
    const [admin, balancer] = [this.#admin, this.#balancer];
    const somebody = await personWithMachine(admin, this.#sshd, this.#nextName());
    await prepare?.({ admin, somebody });
    const shell = await balancer.straight(somebody.person, 'a').open(somebody.targetId);
    return timed(shell, () => withdraw({ admin, somebody, at: (who) => balancer.straight(who, node) }));
  }

  /** Somebody signs out at the provider, whose server tells it to the node (OpenID Connect Back-Channel Logout). */
  async #timeOfLogout(node: Node): Promise<number> {
    const { api } = this.#admin;
    const name = this.#nextName();
    const { targetId } = await personWithMachine(this.#admin, this.#sshd, `machine-of-${name}`);
    this.#idp.people.set(name, { name, groups: [] });
    const page = new DoorPage(this.#balancer.url);
    const path = `/login/providers/${this.#providerId}`;
    const { url } = (await (await page.send(`${path}/start`, {})).json()) as { readonly url: string };
    const visitor = new OpenIdVisitor();
    const back = await visitor.signIn(url, { name, home: this.#balancer.url });
    await page.send(`${path}/complete`, { answer: back.search.slice(1) });
    const { user } = await page.person.api.getMe();
    const scope = { kind: 'target' as const, id: targetId };
    await api.createGrant({ body: { subject: { kind: 'user', id: user.id }, scope, actions: ['connect'] } });
    const shell = await this.#balancer.straight(page.person, 'a').open(targetId);
    this.#balancer.turn = node;
    try {
      return await timed(shell, () => visitor.signOut(`${this.#idp.issuer}/session/end`));
    } finally {
      this.#balancer.turn = 'a';
    }
  }

  #nextName(): string {
    this.#people += 1;
    return `person-${this.#people}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}

async function timed(shell: Shell, act: () => Promise<unknown>): Promise<number> {
  await shell.live();
  const since = performance.now();
  const [end] = await Promise.all([shell.ended().then((ended) => ({ ended, at: performance.now() })), act()]);
  if (end.ended.reason !== 'SESSION_REVOKED') throw new Error(`the session ended as ${end.ended.reason}`);
  await shell.leave();
  return end.at - since;
}

export const revocation: Experiment = {
  figures: ['revocation-ms', 'revocation-across-nodes-ms'],
  async run(wanted) {
    await using company = await Company.start();
    const triggers = [...Object.keys(WITHDRAWALS), 'a sign-out at the provider'];
    const figures = (Object.keys(NODES) as RevocationFigure[]).filter((id) => wanted.has(id));
    const rounds = roundsOf(ROUNDS);
    const measured: Measured[] = [];
    for (const id of figures) {
      const samples: Record<string, number[]> = {};
      for (const trigger of triggers) {
        const times: number[] = [];
        for (let round = 0; round < rounds; round += 1) times.push(await company.timeOf(trigger, NODES[id]));
        samples[trigger] = rounded(times, 0);
      }
      const all = Object.values(samples).flat();
      const value = Math.max(...all);
      const slowest = triggers.find((trigger) => samples[trigger]?.includes(value) === true) ?? '';
      measured.push({
        ...{ id, value, samples },
        how: `two gateways on one PostgreSQL; from the request that withdraws the right, at ${NODES[id] === 'a' ? 'the node that holds the session' : 'the other node'}, to the word of the end at the viewer, over SSH; slowest of ${triggers.length} triggers × ${rounds} (${slowest}), median ${median(all).toFixed(0)} ms`,
      });
    }
    return measured;
  },
};
