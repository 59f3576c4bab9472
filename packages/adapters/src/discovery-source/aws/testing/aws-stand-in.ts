import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Instance,
  type Vpc,
  DescribeInstancesResult$,
  DescribeRegionsResult$,
  DescribeVpcsResult$,
  GetPasswordDataResult$,
} from '@aws-sdk/client-ec2';
import { signedBy } from '../../../shared/aws/testing/index.ts';
import { answer, answerJson, filtersOf, passes, refuse, refuseJson, serialise } from './aws-answers.ts';

const STS_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';
const KEY_VALID_MS = 60_000;
const HUB = { account: '999999999999', arn: 'arn:aws:iam::999999999999:role/enchilada-node' };

/** What an instance is in the stand-in: EC2's own shape, and from when on describe calls see it. */
export interface StandInInstance extends Instance {
  readonly visibleAt?: number;
}

interface Key {
  readonly secret: string;
  readonly token?: string;
  readonly account: string;
  /** Undefined for the hub's own. */
  readonly role?: string;
  readonly session?: string;
  /** Actions that the session's policy allows, and on which resource; undefined where it was given none. */
  readonly policy?: { readonly actions: readonly string[]; readonly resource: string };
}

/** A key that EC2 Instance Connect let in. */
export interface Admitted {
  readonly instance: string;
  readonly username: string;
  readonly publicKey: string;
  readonly until: Date;
  /** The name of the role's session: who it was for. */
  readonly session: string;
}

/**
 * EC2, STS and Organizations on loopback, strict: it checks Signature Version 4, external ids and session tokens, pages, throttles, and
 * answers through the SDK's own models, so that element names are right by construction. It is no emulator: it knows the calls that
 * discovery makes and refuses every other. The same tests run against any other endpoint.
 */
export class AwsStandIn implements AsyncDisposable {
  readonly environment = { AWS_ACCESS_KEY_ID: 'AKIAHUB', AWS_SECRET_ACCESS_KEY: randomBytes(20).toString('hex') };
  /** By account and region. */
  readonly #instances = new Map<string, Map<string, StandInInstance>>();
  /** By account and region; an instance names one by its id. */
  readonly #vpcs = new Map<string, Vpc[]>();
  /** External id each account's reader role asks for; an account without one has no such role. */
  readonly roles = new Map<string, string>();
  /** Accounts whose roles ask for no external id. */
  readonly openRoles = new Set<string>();
  /** Accounts of which credentials are given out that are another's. */
  readonly mixedUp = new Map<string, string>();
  /** What roles were asked for with, in order. */
  readonly askedFor: { readonly account: string; readonly externalId: string | undefined }[] = [];
  readonly accountNames = new Map<string, string>();
  readonly calls: {
    readonly service: string;
    readonly action: string;
    readonly account: string;
    readonly region: string;
    readonly role: string | undefined;
    /** When it came, by `performance.now()`. */
    readonly at: number;
  }[] = [];
  /** Roles that were taken on. */
  readonly assumed: { readonly role: string; readonly session: string; readonly policy: string }[] = [];
  accountsPerPage = 1_000;
  instancesPerPage = 1_000;
  /** Answers each listing's first page for ever. */
  repeatsPages = false;
  regions: readonly string[] = ['eu-west-1'];
  roleName = 'EnchiladaInventoryReader';
  connectRoleName = 'EnchiladaConnect';
  /** Hears each key that is let in; where the machine is a real server, it makes the key valid there. */
  admit: (key: Admitted) => Promise<void> | void = () => undefined;
  /** What GetPasswordData answers, by instance. */
  readonly passwordData = new Map<string, string>();
  /** Of 1,000 EC2 calls, in the accounts named or in all. */
  throttledPerMille = 0;
  throttledAccounts: ReadonlySet<string> | undefined;
  /** Answers UnauthorizedOperation to describe calls of these accounts. */
  readonly denied = new Set<string>();
  /** By account and region: from which page on a listing is refused, as where a role is taken away in its middle. */
  readonly deniedPages = new Map<string, number>();
  /** The same, of listings that are throttled for good. */
  readonly throttledPages = new Map<string, number>();
  /** Calls that are refused in every account, by their name. */
  readonly refusedActions = new Set<string>();
  /** So long each describe call takes, as in a cloud that is far away or busy. */
  latencyMs = 0;
  /** Leaves describe calls of these accounts without an answer, as a cloud that is down. */
  readonly silent = new Set<string>();
  /** Those calls, from when until when somebody waited. */
  readonly unanswered: { readonly account: string; readonly since: number; until: number | undefined }[] = [];
  readonly #keys = new Map<string, Key>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #throttle = 0;

  static async start(): Promise<AwsStandIn> {
    const standIn = new AwsStandIn();
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = standIn.environment;
    standIn.#keys.set(AWS_ACCESS_KEY_ID, { secret: AWS_SECRET_ACCESS_KEY, account: HUB.account });
    await new Promise<void>((resolve) => standIn.#server.listen(0, '127.0.0.1', resolve));
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  put(account: string, region: string, instance: StandInInstance & { readonly InstanceId: string }): void {
    const key = `${account}/${region}`;
    const there = this.#instances.get(key) ?? new Map<string, StandInInstance>();
    there.set(instance.InstanceId, { ...there.get(instance.InstanceId), ...instance });
    this.#instances.set(key, there);
  }

  putVpc(account: string, region: string, vpc: Vpc & { readonly VpcId: string }): void {
    const key = `${account}/${region}`;
    const others = (this.#vpcs.get(key) ?? []).filter(({ VpcId }) => VpcId !== vpc.VpcId);
    this.#vpcs.set(key, [...others, vpc]);
  }

  remove(account: string, region: string, id: string): void {
    this.#instances.get(`${account}/${region}`)?.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const signer = signedBy(request, body);
    const key = signer === undefined ? undefined : this.#keys.get(signer.accessKeyId);
    const target = String(request.headers['x-amz-target'] ?? '');
    const form = new URLSearchParams(target === '' ? body.toString() : '');
    const action = target === '' ? (form.get('Action') ?? '') : (target.split('.')[1] ?? '');
    if (signer === undefined || key === undefined || !signer.isValid(key.secret)) {
      refuse(response, 401, 'AuthFailure', 'AWS was not able to validate the provided access credentials');
      return;
    }
    if (key.token !== undefined && request.headers['x-amz-security-token'] !== key.token) {
      refuse(response, 403, 'InvalidClientTokenId', 'The security token included in the request is invalid');
      return;
    }
    this.calls.push({
      service: signer.service,
      action,
      account: key.account,
      region: signer.region,
      role: key.role,
      at: performance.now(),
    });
    const isAllowed = key.policy === undefined || key.policy.actions.includes(`${signer.service}:${action}`);
    if (!isAllowed || this.refusedActions.has(action)) {
      const why = `User: ${HUB.arn} is not authorized to perform: ${signer.service}:${action}`;
      if (target === '') refuse(response, 403, 'UnauthorizedOperation', why);
      else refuseJson(response, 'AccessDeniedException', why);
      return;
    }
    switch (`${signer.service} ${action}`) {
      case 'sts AssumeRole':
        this.#assumeRole(form, response);
        return;
      case 'ec2-instance-connect SendSSHPublicKey':
        await this.#sendKey({ key, region: signer.region, body }, response);
        return;
      case 'ec2 GetPasswordData':
        this.#getPasswordData({ key, region: signer.region, form }, response);
        return;
      case 'ec2 DescribeInstances':
      case 'ec2 DescribeRegions':
      case 'ec2 DescribeVpcs':
        if (this.latencyMs > 0) await pause(this.latencyMs);
        if (this.silent.has(key.account)) this.#leave(key.account, response);
        else if (this.#isThrottled(key.account))
          refuse(response, 503, 'RequestLimitExceeded', 'Request limit exceeded.');
        else if (this.denied.has(key.account) || key.role !== this.roleName)
          refuse(response, 403, 'UnauthorizedOperation', 'You are not authorized to perform this operation.');
        else if (action === 'DescribeRegions') this.#describeRegions(response);
        else if (action === 'DescribeVpcs') this.#describeVpcs({ key, region: signer.region, form }, response);
        else this.#describeInstances({ key, region: signer.region, form }, response);
        return;
      case 'organizations ListAccounts':
        this.#listAccounts(JSON.parse(body.toString()) as PageRequest, response);
        return;
      default:
        refuse(response, 400, 'InvalidAction', `The action ${action} is not valid for this web service.`);
    }
  }

  #leave(account: string, response: ServerResponse): void {
    const call: (typeof this.unanswered)[number] = { account, since: performance.now(), until: undefined };
    this.unanswered.push(call);
    response.on('close', () => {
      call.until = performance.now();
    });
  }

  #isThrottled(account: string): boolean {
    if (this.throttledAccounts !== undefined && !this.throttledAccounts.has(account)) return false;
    this.#throttle += this.throttledPerMille;
    if (this.#throttle < 1_000) return false;
    this.#throttle -= 1_000;
    return true;
  }

  #assumeRole(form: URLSearchParams, response: ServerResponse): void {
    const arn = form.get('RoleArn') ?? '';
    const account = arn.split(':')[4] ?? '';
    const role = arn.split('/').at(-1) ?? '';
    const externalId = this.roles.get(account);
    this.askedFor.push({ account, externalId: form.get('ExternalId') ?? undefined });
    if (
      externalId === undefined ||
      (role !== this.roleName && role !== this.connectRoleName) ||
      arn !== `arn:aws:iam::${account}:role/${role}` ||
      (form.get('ExternalId') !== externalId && !this.openRoles.has(account))
    ) {
      refuse(
        response,
        403,
        'AccessDenied',
        `User: ${HUB.arn} is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
      );
      return;
    }
    const id = `ASIA${randomBytes(8).toString('hex').toUpperCase()}`;
    const key = {
      secret: randomBytes(20).toString('hex'),
      token: randomBytes(40).toString('base64'),
      account: this.mixedUp.get(account) ?? account,
      role,
      session: form.get('RoleSessionName') ?? '',
      ...policyIn(form),
    };
    this.assumed.push({ role, session: key.session, policy: form.get('Policy') ?? '' });
    this.#keys.set(id, key);
    const expiration = new Date(Date.now() + 1_000 * Number(form.get('DurationSeconds') ?? 3_600)).toISOString();
    const credentials = `<AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${key.secret}</SecretAccessKey><SessionToken>${key.token}</SessionToken><Expiration>${expiration}</Expiration>`;
    const user = `<AssumedRoleUser><Arn>arn:aws:sts::${key.account}:assumed-role/${role}/${key.session}</Arn><AssumedRoleId>AROA${role}:${key.session}</AssumedRoleId></AssumedRoleUser>`;
    answer(
      response,
      `<AssumeRoleResponse xmlns="${STS_NAMESPACE}"><AssumeRoleResult><Credentials>${credentials}</Credentials>${user}</AssumeRoleResult></AssumeRoleResponse>`,
    );
  }

  /** https://docs.aws.amazon.com/ec2-instance-connect/latest/APIReference/API_SendSSHPublicKey.html */
  async #sendKey(call: Call & { readonly body: Buffer }, response: ServerResponse): Promise<void> {
    const { InstanceId, InstanceOSUser, SSHPublicKey } = JSON.parse(call.body.toString()) as Record<string, string>;
    const { key, region } = call;
    const instance = this.#instances.get(`${key.account}/${region}`)?.get(InstanceId ?? '');
    if (this.#isThrottled(key.account)) refuseJson(response, 'ThrottlingException', 'Rate exceeded');
    else if (this.denied.has(key.account) || key.role !== this.connectRoleName)
      refuseJson(response, 'AuthException', 'not authorized to perform: ec2-instance-connect:SendSSHPublicKey');
    else if (instance === undefined) refuseJson(response, 'EC2InstanceNotFoundException', 'Instance not found');
    else if (instance.State?.Name !== 'running')
      refuseJson(response, 'EC2InstanceStateInvalidException', 'The instance is not running');
    else if (!/^[A-Za-z_][\w.@-]{0,31}$/u.test(InstanceOSUser ?? '') || !/^ssh-\S+ \S+$/u.test(SSHPublicKey ?? ''))
      refuseJson(response, 'InvalidArgsException', 'One of the parameters is not valid');
    else {
      const until = new Date(Date.now() + KEY_VALID_MS);
      const { session = '' } = key;
      await this.admit({
        ...{ instance: InstanceId ?? '', username: InstanceOSUser ?? '', publicKey: SSHPublicKey ?? '' },
        until,
        session,
      });
      answerJson(response, { RequestId: randomBytes(8).toString('hex'), Success: true });
    }
  }

  #getPasswordData(call: Call & { readonly form: URLSearchParams }, response: ServerResponse): void {
    const { key, region, form } = call;
    const InstanceId = form.get('InstanceId') ?? '';
    if (this.#isThrottled(key.account)) refuse(response, 503, 'RequestLimitExceeded', 'Request limit exceeded.');
    else if (this.denied.has(key.account) || key.role !== this.connectRoleName)
      refuse(response, 403, 'UnauthorizedOperation', 'You are not authorized to perform this operation.');
    else if (this.#instances.get(`${key.account}/${region}`)?.get(InstanceId) === undefined)
      refuse(response, 400, 'InvalidInstanceID.NotFound', `The instance ID '${InstanceId}' does not exist`);
    else {
      // EC2 puts line ends around it.
      const data = this.passwordData.get(InstanceId);
      const result = { InstanceId, Timestamp: new Date(), PasswordData: data === undefined ? '' : `\r\n${data}\r\n` };
      answer(response, serialise(GetPasswordDataResult$, result, 'GetPasswordData'));
    }
  }

  #listAccounts({ NextToken }: PageRequest, response: ServerResponse): void {
    const { page, next } = this.#pageOf([...this.accountNames], { NextToken, MaxResults: this.accountsPerPage });
    const Accounts = page.map(([Id, Name]) => ({ Id, Name, State: 'ACTIVE', Status: 'ACTIVE' }));
    answerJson(response, { Accounts, ...next });
  }

  #pageOf<T>(all: readonly T[], { NextToken = '', MaxResults = all.length }: PageRequest) {
    const offset = this.repeatsPages ? 0 : Number(Buffer.from(NextToken, 'base64').toString() || 0);
    const end = offset + MaxResults;
    const next = end < all.length ? { NextToken: Buffer.from(String(end)).toString('base64') } : {};
    return { page: all.slice(offset, end), next, number: offset / MaxResults + 1 };
  }

  #describeRegions(response: ServerResponse): void {
    const result = { Regions: this.regions.map((RegionName) => ({ RegionName, OptInStatus: 'opt-in-not-required' })) };
    answer(response, serialise(DescribeRegionsResult$, result, 'DescribeRegions'));
  }

  /** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html */
  #describeVpcs(
    { key: { account }, region, form }: Call & { readonly form: URLSearchParams },
    response: ServerResponse,
  ): void {
    const wanted = filtersOf(form).find(({ name }) => name === 'vpc-id')?.values ?? [];
    const found = (this.#vpcs.get(`${account}/${region}`) ?? []).filter(({ VpcId = '' }) => wanted.includes(VpcId));
    const MaxResults = Number(form.get('MaxResults') ?? 1_000);
    const { page, next } = this.#pageOf(found, { NextToken: form.get('NextToken') ?? undefined, MaxResults });
    answer(response, serialise(DescribeVpcsResult$, { Vpcs: page, ...next }, 'DescribeVpcs'));
  }

  #describeInstances(
    { key: { account }, region, form }: Call & { readonly form: URLSearchParams },
    response: ServerResponse,
  ): void {
    const all = this.#instances.get(`${account}/${region}`);
    if (form.has('InstanceId.1') && form.has('MaxResults')) {
      refuse(
        response,
        400,
        'InvalidParameterCombination',
        'The parameter instancesSet cannot be used with the parameter maxResults',
      );
      return;
    }
    const filters = filtersOf(form);
    if (filters.some(({ values }) => values.length > 200)) {
      refuse(
        response,
        400,
        'FilterLimitExceeded',
        'The maximum number of filter values specified on a single call is 200',
      );
      return;
    }
    const now = Date.now();
    const found = [...(all?.values() ?? [])].filter(
      (instance) => (instance.visibleAt ?? 0) <= now && filters.every((filter) => passes(instance, filter)),
    );
    const MaxResults = Math.min(this.instancesPerPage, Number(form.get('MaxResults') ?? 1_000));
    const { page, next, number } = this.#pageOf(found, { NextToken: form.get('NextToken') ?? undefined, MaxResults });
    if (number >= (this.deniedPages.get(`${account}/${region}`) ?? Infinity)) {
      refuse(response, 403, 'UnauthorizedOperation', 'You are not authorized to perform this operation.');
      return;
    }
    if (number >= (this.throttledPages.get(`${account}/${region}`) ?? Infinity)) {
      refuse(response, 503, 'RequestLimitExceeded', 'Request limit exceeded.');
      return;
    }
    const Reservations = page.map(({ visibleAt: _visibleAt, ...instance }) => ({
      ReservationId: `r-${instance.InstanceId?.slice(2) ?? ''}`,
      Instances: [instance],
    }));
    answer(response, serialise(DescribeInstancesResult$, { Reservations, ...next }, 'DescribeInstances'));
  }
}

interface PageRequest {
  readonly NextToken?: string | undefined;
  readonly MaxResults?: number;
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session */
function policyIn(form: URLSearchParams): Pick<Key, 'policy'> {
  const text = form.get('Policy');
  if (text === null) return {};
  const { Statement } = JSON.parse(text) as { Statement: { Action: string[]; Resource: string }[] };
  const [only] = Statement;
  return { policy: { actions: only?.Action ?? [], resource: only?.Resource ?? '' } };
}

interface Call {
  readonly key: Key;
  readonly region: string;
}
