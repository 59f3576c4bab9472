import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signedBy } from './signature.ts';

const STS_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';
const HUB = 'arn:aws:sts::999999999999:assumed-role/enchilada-node/i-1';

interface Caller {
  readonly secret: string;
  readonly token?: string;
  /** Undefined: the node itself. */
  readonly role?: string;
}

/** A secret of Secrets Manager by stage or version id, or a parameter by version. */
type Versions = Readonly<Record<string, string>>;

/**
 * KMS, Secrets Manager, Parameter Store and STS on loopback, in the JSON 1.1 protocol that the SDK speaks, strict: Signature Version 4, session
 * tokens, external ids, policies by `action resource`, encryption contexts. It is no emulator: it knows the calls that are made here and refuses every other.
 */
export class AwsSecretsStandIn implements AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
  readonly region = 'eu-central-1';
  /** Key material by ARN. */
  readonly keys = new Map<string, Buffer>();
  /** By name; `AWSCURRENT` is what is read without a stage. */
  readonly secrets = new Map<string, Versions>();
  /** By name; `0` is the newest version. */
  readonly parameters = new Map<string, Versions>();
  /** External id that a role asks for, by its ARN. */
  readonly roles = new Map<string, string | undefined>();
  /** What is allowed, as `kms:Decrypt arn:…`; of whom is told by the role's ARN, or by `node`. */
  readonly policies = new Map<string, readonly string[]>();
  isThrottling = false;
  /** Answers nothing, ever. */
  isSilent = false;
  /** Answers with this and this status instead. */
  raw: { readonly status: number; readonly body: string; readonly location?: string } | undefined;
  readonly calls: string[] = [];
  readonly #callers = new Map<string, Caller>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  private constructor() {
    const secret = randomBytes(20).toString('hex');
    this.#callers.set('AKIANODE', { secret });
    this.environment = {
      AWS_ACCESS_KEY_ID: 'AKIANODE',
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  }

  static async start(): Promise<AwsSecretsStandIn> {
    const standIn = new AwsSecretsStandIn();
    await new Promise<void>((resolve) => standIn.#server.listen(0, '127.0.0.1', resolve));
    Object.assign(standIn.environment, { AWS_ENDPOINT_URL: standIn.url });
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  makeKey(): string {
    const id = `${randomBytes(4).toString('hex')}-1111-4222-8333-${randomBytes(6).toString('hex')}`;
    const arn = `arn:aws:kms:${this.region}:111122223333:key/${id}`;
    this.keys.set(arn, randomBytes(32));
    return arn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (this.isSilent) {
      this.calls.push('not answered');
      return;
    }
    const signer = signedBy(request, body);
    const caller = signer === undefined ? undefined : this.#callers.get(signer.accessKeyId);
    if (signer === undefined || caller === undefined || !signer.isValid(caller.secret)) {
      refuse(response, 'InvalidSignatureException', 'The request signature we calculated does not match');
      return;
    }
    if (caller.token !== undefined && request.headers['x-amz-security-token'] !== caller.token) {
      refuse(response, 'UnrecognizedClientException', 'The security token included in the request is invalid.');
      return;
    }
    if (signer.service === 'sts') {
      this.#assumeRole(new URLSearchParams(body.toString()), response);
      return;
    }
    const action = `${signer.service}:${String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? ''}`;
    const input = JSON.parse(body.toString()) as Input;
    const resource = input.KeyId ?? input.SecretId ?? input.Name ?? '';
    this.calls.push(`${action} ${resource}`);
    if (this.raw !== undefined) {
      const { status, body: text, location } = this.raw;
      response.writeHead(status, {
        'content-type': 'application/x-amz-json-1.1',
        ...(location === undefined ? {} : { location }),
      });
      response.end(text);
    } else if (this.isThrottling) refuse(response, 'ThrottlingException', 'Rate exceeded');
    else if (this.policies.get(caller.role ?? 'node')?.includes(`${action} ${resource}`) !== true)
      refuse(
        response,
        'AccessDeniedException',
        `User: ${caller.role ?? HUB} is not authorized to perform: ${action} on resource: ${resource}`,
      );
    else this.#answer(action, input, response);
  }

  #answer(action: string, input: Input, response: ServerResponse): void {
    const { SecretId = '', VersionId, VersionStage } = input;
    switch (action) {
      case 'kms:Encrypt':
      case 'kms:Decrypt':
        this.#useKey(action, input, response);
        return;
      case 'secretsmanager:GetSecretValue': {
        const versions = this.secrets.get(SecretId);
        const stage = VersionId ?? VersionStage ?? 'AWSCURRENT';
        const SecretString = versions?.[stage];
        if (SecretString === undefined)
          refuse(response, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
        else
          json(response, {
            ARN: `arn:aws:secretsmanager:${SecretId}`,
            Name: SecretId,
            SecretString,
            VersionStages: [stage],
            CreatedDate: 1.7e9,
          });
        return;
      }
      case 'ssm:GetParameter': {
        const [name = '', version = '0'] = (input.Name ?? '').split(/:(?=[^:/]+$)/u);
        const Value = input.WithDecryption === true ? this.parameters.get(name)?.[version] : undefined;
        if (Value === undefined) refuse(response, 'ParameterNotFound', '');
        else json(response, { Parameter: { Name: name, Type: 'SecureString', Value, Version: 1, DataType: 'text' } });
        return;
      }
      default:
        refuse(response, 'UnknownOperationException', `${action} is not known here`);
    }
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html */
  #useKey(action: string, input: Input, response: ServerResponse): void {
    const arn = input.KeyId ?? '';
    const key = this.keys.get(arn);
    const context = input.EncryptionContext ?? {};
    const aad = Buffer.from(JSON.stringify([arn, Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))]));
    if (key === undefined) {
      refuse(response, 'NotFoundException', `Key '${arn}' does not exist`);
      return;
    }
    if (action === 'kms:Encrypt') {
      const plain = Buffer.from(input.Plaintext ?? '', 'base64');
      if (plain.length === 0 || plain.length > 4_096) {
        refuse(response, 'ValidationException', 'Plaintext must be between 1 and 4096 bytes');
        return;
      }
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
      const blob = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
      json(response, { CiphertextBlob: blob.toString('base64'), KeyId: arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' });
      return;
    }
    const blob = Buffer.from(input.CiphertextBlob ?? '', 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(0, 12))
        .setAAD(aad)
        .setAuthTag(blob.subarray(-16));
      const plain = Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
      json(response, { Plaintext: plain.toString('base64'), KeyId: arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' });
    } catch {
      refuse(response, 'InvalidCiphertextException', '');
    }
  }

  #assumeRole(form: URLSearchParams, response: ServerResponse): void {
    const arn = form.get('RoleArn') ?? '';
    this.calls.push(`sts:AssumeRole ${arn}`);
    if (!this.roles.has(arn) || (this.roles.get(arn) ?? null) !== form.get('ExternalId')) {
      const message = `User: ${HUB} is not authorized to perform: sts:AssumeRole on resource: ${arn}`;
      response.writeHead(403, { 'content-type': 'text/xml' });
      response.end(
        `<ErrorResponse xmlns="${STS_NAMESPACE}"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
      );
      return;
    }
    const id = `ASIA${randomBytes(8).toString('hex').toUpperCase()}`;
    const caller = { secret: randomBytes(20).toString('hex'), token: randomBytes(40).toString('base64'), role: arn };
    this.#callers.set(id, caller);
    const expiration = new Date(Date.now() + 1_000 * Number(form.get('DurationSeconds') ?? 3_600)).toISOString();
    response.writeHead(200, { 'content-type': 'text/xml' });
    response.end(
      `<AssumeRoleResponse xmlns="${STS_NAMESPACE}"><AssumeRoleResult><Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${caller.secret}</SecretAccessKey><SessionToken>${caller.token}</SessionToken><Expiration>${expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    );
  }
}

interface Input {
  readonly KeyId?: string;
  readonly Plaintext?: string;
  readonly CiphertextBlob?: string;
  readonly EncryptionContext?: Readonly<Record<string, string>>;
  readonly SecretId?: string;
  readonly VersionId?: string;
  readonly VersionStage?: string;
  readonly Name?: string;
  readonly WithDecryption?: boolean;
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(value));
}

function refuse(response: ServerResponse, code: string, message: string): void {
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': code });
  response.end(JSON.stringify({ __type: code, message }));
}
