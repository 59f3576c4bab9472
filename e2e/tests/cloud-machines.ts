import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { type Admitted, AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { startRdpShadow, type RdpShadow } from '@enchilada/core/testing/servers/rdp-shadow';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { until } from '@enchilada/core/testing/until';
import type { Site } from './site.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-west-1';
const RUNNING = { Code: 16, Name: 'running' } as const;

export interface RuleOf {
  readonly name: string;
  readonly match: { readonly platform?: 'linux' | 'windows'; readonly protocol?: string };
  readonly credentialId: string;
  readonly port: number;
}

/**
 * An account of AWS with a Linux and a Windows machine. What it lets in is let in by real servers on loopback: sshd takes the keys that
 * EC2 Instance Connect is given, for as long as EC2 does, and the password of the key pair is that of an RDP server.
 */
export class CloudMachines implements AsyncDisposable {
  readonly account = ACCOUNT;
  readonly region = REGION;
  readonly linux = 'i-0123456789abcdef0';
  readonly windows = 'i-0123456789abcdef1';
  readonly cloud: AwsStandIn;
  readonly sshd: Sshd;
  readonly desktop: RdpShadow;
  /** Keys that were let in, in order. */
  readonly admitted: Admitted[] = [];
  /** Of the key pair that Windows machines were launched with. */
  readonly privateKey: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(owned: AsyncDisposableStack, parts: Pick<CloudMachines, 'cloud' | 'sshd' | 'desktop'>) {
    this.#owned = owned;
    this.cloud = parts.cloud;
    this.sshd = parts.sshd;
    this.desktop = parts.desktop;
    // What the instance's own agent does on EC2: the key is valid for sshd until its time is over.
    this.cloud.admit = async (key) => {
      const until = key.until.toISOString().replaceAll(/[-:T]|\.\d+/gu, '');
      await this.sshd.authorize(`expiry-time="${until}" ${key.publicKey}`);
      this.admitted.push(key);
    };
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.privateKey = pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    const sealed = { key: pair.publicKey, padding: constants.RSA_PKCS1_PADDING };
    const data = publicEncrypt(sealed, Buffer.from(this.desktop.password)).toString('base64');
    for (const id of [this.linux, this.windows]) this.cloud.passwordData.set(id, data);
  }

  /** @param tags of both machines, beside their names */
  static async start(tags: Readonly<Record<string, string>> = {}): Promise<CloudMachines> {
    await using owned = new AsyncDisposableStack();
    const config = ['PasswordAuthentication no', 'KbdInteractiveAuthentication no'];
    const sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'], config }));
    const desktop = owned.use(await startRdpShadow());
    const cloud = owned.use(await AwsStandIn.start());
    const machines = new CloudMachines(owned.move(), { cloud, sshd, desktop });
    const more = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const fields = { State: RUNNING, PrivateIpAddress: '127.0.0.1' };
    cloud.put(ACCOUNT, REGION, {
      ...{ InstanceId: machines.linux, PlatformDetails: 'Linux/UNIX', ...fields },
      Placement: { AvailabilityZone: 'eu-west-1a' },
      Tags: [{ Key: 'Name', Value: 'linux-1' }, ...more],
    });
    cloud.put(ACCOUNT, REGION, {
      ...{ InstanceId: machines.windows, PlatformDetails: 'Windows', Platform: 'windows' as 'Windows', ...fields },
      Tags: [{ Key: 'Name', Value: 'windows-1' }, ...more],
    });
    return machines;
  }

  get environment(): AwsStandIn['environment'] {
    return this.cloud.environment;
  }

  /** Answers the ids of the two: a key for each session, and the password of the key pair. */
  async credentials({ admin: { api } }: Site): Promise<{ readonly sessionKey: string; readonly launch: string }> {
    const sessionKey = await api.createCredential({
      body: { name: 'instance connect', kind: 'session-key', username: this.sshd.username },
    });
    const { desktop, privateKey } = this;
    const launch = await api.createCredential({
      body: { name: 'key pair', kind: 'launch-password', username: desktop.username, privateKey },
    });
    return { sessionKey: sessionKey.id, launch: launch.id };
  }

  /** Finds both machines by a source, under these rules; the administrator may open them. */
  async connect({ admin: { api } }: Site, rules: readonly RuleOf[]): Promise<void> {
    await api.setRules({
      body: {
        rules: rules.map(({ name, match, credentialId, port }) => ({
          ...{ name, enabled: true, match: { ...match } },
          outcome: { credentialId, port, hostKeyPolicy: 'trust-first' as const },
        })),
        version: 0,
      },
    });
    const { url } = this.cloud;
    const fields = {
      name: 'Cloud',
      parameters: { accounts: [`${ACCOUNT}=Payments`], regions: [REGION], endpoint: url, callsPerSecond: 100 },
      protectedTags: [],
    };
    const source = await api.createSource({ body: { ...fields, kind: 'aws', enabled: false } });
    this.cloud.roles.set(ACCOUNT, source.externalId);
    await api.updateSource({ params: { id: source.id }, body: { ...fields, enabled: true, version: source.version } });
    const { user } = await api.getMe();
    await api.createGrant({
      body: {
        subject: { kind: 'user', id: user.id },
        scope: { kind: 'labels', selector: { 'cloud:account': [ACCOUNT] } },
        actions: ['connect'],
      },
    });
  }

  /** Waits until the catalog has an entry of this name, and answers its id. */
  async entry({ admin: { api } }: Site, name: string): Promise<string> {
    let id: string | undefined;
    await until(async () => {
      const { items } = await api.listTargets({ query: { text: name } });
      id = items.find((one) => one.name === name)?.id;
      return id !== undefined;
    });
    return id ?? '';
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned[Symbol.asyncDispose]();
  }
}
