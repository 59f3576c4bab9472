import assert from 'node:assert/strict';
import { startSshd } from '@enchilada/core/testing/servers/sshd';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { until } from '@enchilada/core/testing/until';
import type { Target } from '@enchilada/contract';
import type { GrantAction } from '@enchilada/core/access';
import { Gateway } from '../fixtures/gateway.ts';
import type { GatewayOptions } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';

export const ADMIN = { username: 'root-of-all', password: 'a long unguessable phrase 7' };
export const LOOPBACK = 'egress: { allowLoopback: true }\n';

export type TargetChange = Partial<
  Pick<
    Target,
    | 'protocol'
    | 'name'
    | 'host'
    | 'port'
    | 'parameters'
    | 'hostKeyPolicy'
    | 'credentialId'
    | 'jumpTargetId'
    | 'filesTargetId'
    | 'labels'
  >
>;

/** A gateway with its first administrator. */
export class Site implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly admin: Person;

  private constructor(gateway: Gateway, admin: Person) {
    this.gateway = gateway;
    this.admin = admin;
  }

  static async start(options: GatewayOptions = {}): Promise<Site> {
    const gateway = await Gateway.start({ ...options, config: LOOPBACK + (options.config ?? '') });
    return new Site(gateway, await Person.bootstrap(gateway, ADMIN));
  }

  /** Adds a machine that may be opened by the administrator. Answers its id. */
  async machine(
    change: TargetChange & { readonly host: string; readonly port: number },
    actions: readonly GrantAction[] = ['connect'],
  ): Promise<string> {
    const { api } = this.admin;
    const target = await api.createTarget({
      body: { name: `machine ${change.host}:${change.port}`, protocol: 'ssh', hostKeyPolicy: 'trust-first', ...change },
    });
    const me = await api.getMe();
    await api.createGrant({
      body: {
        subject: { kind: 'user', id: me.user.id },
        scope: { kind: 'target', id: target.id },
        actions: [...actions],
      },
    });
    return target.id;
  }

  /** Adds a machine on the test's sshd, with its password sealed. */
  async machineOn(sshd: Sshd, change: TargetChange = {}): Promise<string> {
    const { id } = await this.admin.api.createCredential({
      body: {
        name: `password ${change.name ?? ''} ${Math.trunc(performance.now() * 1000)}`,
        kind: 'password',
        username: sshd.username,
        secret: sshd.password,
      },
    });
    return this.machine({ host: sshd.host, port: sshd.port, credentialId: id, ...change }, ['connect', 'watch']);
  }

  /** Somebody else who may sign in. */
  async person(username: string, role: 'user' | 'auditor' | 'administrator' = 'user'): Promise<Person> {
    const password = `another long phrase for them ${username.length}!`;
    await this.admin.api.createUser({ body: { username, displayName: username, role, password } });
    return Person.signIn(this.gateway.url, { username, password });
  }

  async grant(person: Person, targetId: string, actions: readonly GrantAction[]): Promise<string> {
    const { user } = await person.api.getMe();
    const grant = await this.admin.api.createGrant({
      body: { subject: { kind: 'user', id: user.id }, scope: { kind: 'target', id: targetId }, actions: [...actions] },
    });
    return grant.id;
  }

  /** The recording of a session that ends, once it is whole: viewers are told of the end before the last of it is sealed. */
  async recordingOf(sessionId: string): Promise<string> {
    const found = () => this.admin.api.getSession({ params: { id: sessionId } });
    await until(async () => (await found()).state === 'ended');
    return (await found()).recordingId ?? assert.fail('the session has no recording');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
  }
}

export { startSshd };
