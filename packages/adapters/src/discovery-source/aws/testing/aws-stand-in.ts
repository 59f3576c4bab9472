import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Instance,
  DescribeInstancesResult$,
  DescribeRegionsResult$,
  GetPasswordDataResult$,
} from '@aws-sdk/client-ec2';
import { XmlShapeSerializer } from '@aws-sdk/core/protocols';
import { signedBy } from '../../../shared/aws/testing/index.ts';

const EC2_NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';
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
  /** External id each account's reader role asks for; an account without one has no such role. */
  readonly roles = new Map<string, string>();
  /** Accounts whose roles ask for no external id. */
  readonly openRoles = new Set<string>();
  readonly accountNames = new Map<string, string>();
  readonly calls: {
    readonly service: string;
    readonly action: string;
    readonly account: string;
    readonly region: string;
    readonly role: string | undefined;
  }[] = [];
  /** Roles that were taken on. */
  readonly assumed: { readonly role: string; readonly session: string; readonly policy: string }[] = [];
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
  /** Calls that are refused in every account, by their name. */
  readonly refusedActions = new Set<string>();
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
    this.calls.push({ service: signer.service, action, account: key.account, region: signer.region, role: key.role });
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
        if (this.silent.has(key.account)) this.#leave(key.account, response);
        else if (this.#isThrottled(key.account))
          refuse(response, 503, 'RequestLimitExceeded', 'Request limit exceeded.');
        else if (this.denied.has(key.account) || key.role !== this.roleName)
          refuse(response, 403, 'UnauthorizedOperation', 'You are not authorized to perform this operation.');
        else if (action === 'DescribeRegions') this.#describeRegions(response);
        else this.#describeInstances(this.#instances.get(`${key.account}/${signer.region}`), form, response);
        return;
      case 'organizations ListAccounts':
        answerJson(response, {
          Accounts: [...this.accountNames].map(([Id, Name]) => ({ Id, Name, State: 'ACTIVE', Status: 'ACTIVE' })),
        });
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
      account,
      role,
      session: form.get('RoleSessionName') ?? '',
      ...policyIn(form),
    };
    this.assumed.push({ role, session: key.session, policy: form.get('Policy') ?? '' });
    this.#keys.set(id, key);
    const expiration = new Date(Date.now() + 1_000 * Number(form.get('DurationSeconds') ?? 3_600)).toISOString();
    const credentials = `<AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${key.secret}</SecretAccessKey><SessionToken>${key.token}</SessionToken><Expiration>${expiration}</Expiration>`;
    answer(
      response,
      `<AssumeRoleResponse xmlns="${STS_NAMESPACE}"><AssumeRoleResult><Credentials>${credentials}</Credentials></AssumeRoleResult></AssumeRoleResponse>`,
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

  #describeRegions(response: ServerResponse): void {
    const result = { Regions: this.regions.map((RegionName) => ({ RegionName, OptInStatus: 'opt-in-not-required' })) };
    answer(response, serialise(DescribeRegionsResult$, result, 'DescribeRegions'));
  }

  #describeInstances(
    all: ReadonlyMap<string, StandInInstance> | undefined,
    form: URLSearchParams,
    response: ServerResponse,
  ): void {
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
    const offset = Number(Buffer.from(form.get('NextToken') ?? '', 'base64').toString() || 0);
    const end = offset + Number(form.get('MaxResults') ?? 1_000);
    const Reservations = found.slice(offset, end).map(({ visibleAt: _visibleAt, ...instance }) => ({
      ReservationId: `r-${instance.InstanceId?.slice(2) ?? ''}`,
      Instances: [instance],
    }));
    const next = end < found.length ? { NextToken: Buffer.from(String(end)).toString('base64') } : {};
    answer(response, serialise(DescribeInstancesResult$, { Reservations, ...next }, 'DescribeInstances'));
  }
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

interface FormFilter {
  readonly name: string;
  readonly values: readonly string[];
}

function filtersOf(form: URLSearchParams): readonly FormFilter[] {
  const filters: FormFilter[] = [];
  for (let index = 1; form.has(`Filter.${index}.Name`); index++) {
    const values: string[] = [];
    for (let value = 1; form.has(`Filter.${index}.Value.${value}`); value++)
      values.push(form.get(`Filter.${index}.Value.${value}`) ?? '');
    filters.push({ name: form.get(`Filter.${index}.Name`) ?? '', values });
  }
  return filters;
}

function passes(instance: StandInInstance, { name, values }: FormFilter): boolean {
  switch (name) {
    case 'instance-id':
      return values.includes(instance.InstanceId ?? '');
    case 'instance-state-name':
      return values.includes(instance.State?.Name ?? '');
    default:
      throw new Error(`the stand-in knows no filter ${name}`);
  }
}

type Schema = Parameters<XmlShapeSerializer['write']>[0];

function serialise(schema: Schema, value: unknown, action: string): string {
  const serializer = new XmlShapeSerializer({
    timestampFormat: { useTrait: true, default: 5 },
    serviceNamespace: EC2_NAMESPACE,
    xmlNamespace: EC2_NAMESPACE,
  });
  serializer.setSerdeContext({
    base64Encoder: (bytes: Uint8Array) => Buffer.from(bytes).toString('base64'),
    utf8Encoder: (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8'),
  } as never);
  serializer.write(schema, value);
  const xml = String(serializer.flush());
  return `<?xml version="1.0" encoding="UTF-8"?>\n${xml
    .replace(`<${action}Result`, `<${action}Response`)
    .replace(new RegExp(`</${action}Result>$`, 'u'), `</${action}Response>`)}`;
}

function answer(response: ServerResponse, xml: string): void {
  response.writeHead(200, { 'content-type': 'text/xml;charset=UTF-8' });
  response.end(xml);
}

function answerJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(value));
}

function refuseJson(response: ServerResponse, code: string, message: string): void {
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': code });
  response.end(JSON.stringify({ __type: code, Message: message }));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'text/xml' });
  // EC2 and STS wrap the error differently; the SDK's two readers take either place.
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestID>59dbff89-35bd-4eac-99ed-be587EXAMPLE</RequestID></Response>`,
  );
}
