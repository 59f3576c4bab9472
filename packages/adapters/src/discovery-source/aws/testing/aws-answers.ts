// How AWS's services put requests and answers on the wire.
import type { ServerResponse } from 'node:http';
import type { Instance } from '@aws-sdk/client-ec2';
import { XmlShapeSerializer } from '@aws-sdk/core/protocols';

const EC2_NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';

export interface FormFilter {
  readonly name: string;
  readonly values: readonly string[];
}

export function filtersOf(form: URLSearchParams): readonly FormFilter[] {
  const filters: FormFilter[] = [];
  for (let index = 1; form.has(`Filter.${index}.Name`); index++) {
    const values: string[] = [];
    for (let value = 1; form.has(`Filter.${index}.Value.${value}`); value++)
      values.push(form.get(`Filter.${index}.Value.${value}`) ?? '');
    filters.push({ name: form.get(`Filter.${index}.Name`) ?? '', values });
  }
  return filters;
}

type Schema = Parameters<XmlShapeSerializer['write']>[0];

export function serialise(schema: Schema, value: unknown, action: string): string {
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

export function answer(response: ServerResponse, xml: string): void {
  response.writeHead(200, { 'content-type': 'text/xml;charset=UTF-8' });
  response.end(xml);
}

export function answerJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(value));
}

export function refuseJson(response: ServerResponse, code: string, message: string): void {
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': code });
  response.end(JSON.stringify({ __type: code, Message: message }));
}

export function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'text/xml' });
  // EC2 and STS wrap the error differently; the SDK's two readers take either place.
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestID>59dbff89-35bd-4eac-99ed-be587EXAMPLE</RequestID></Response>`,
  );
}

export function passes(instance: Instance, { name, values }: FormFilter): boolean {
  switch (name) {
    case 'instance-id':
      return values.includes(instance.InstanceId ?? '');
    case 'instance-state-name':
      return values.includes(instance.State?.Name ?? '');
    default:
      throw new Error(`the stand-in knows no filter ${name}`);
  }
}
