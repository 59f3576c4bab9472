import { randomUUID } from 'node:crypto';

/** Envelopes as EventBridge makes them; the bus itself is simulated by putting them on the queue. */
interface About {
  readonly account: string;
  readonly region: string;
  readonly id: string;
  readonly at?: Date;
}

function envelope({ account, region, at = new Date() }: About, rest: object): string {
  const time = at.toISOString().replace(/\.\d+Z$/u, 'Z');
  return JSON.stringify({ version: '0', id: randomUUID(), account, time, region, ...rest });
}

const arnOf = ({ account, region, id }: About): string => `arn:aws:ec2:${region}:${account}:instance/${id}`;

export function stateChange(about: About, state: string): string {
  return envelope(about, {
    'detail-type': 'EC2 Instance State-change Notification',
    source: 'aws.ec2',
    resources: [arnOf(about)],
    detail: { 'instance-id': about.id, state },
  });
}

export function tagChange(about: About, tags: Readonly<Record<string, string>>): string {
  return envelope(about, {
    'detail-type': 'Tag Change on Resource',
    source: 'aws.tag',
    resources: [arnOf(about)],
    detail: { 'changed-tag-keys': Object.keys(tags), service: 'ec2', 'resource-type': 'instance', version: 3, tags },
  });
}

export function called(about: About, eventName: string): string {
  return envelope(about, {
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.ec2',
    resources: [],
    detail: {
      eventVersion: '1.09',
      eventSource: 'ec2.amazonaws.com',
      eventName,
      awsRegion: about.region,
      recipientAccountId: about.account,
      userIdentity: { type: 'AssumedRole', arn: `arn:aws:sts::${about.account}:assumed-role/Admin/alice` },
      responseElements: {
        instancesSet: { items: [{ instanceId: about.id, privateIpAddress: '6.6.6.6', tagSet: { items: [] } }] },
      },
    },
  });
}
