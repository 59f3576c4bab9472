import type { Hint, MachineState } from '@enchilada/core/discovery';

export interface ReadEvent {
  readonly hints: readonly Hint[];
  readonly problem?: string;
}

const LONGEST_BODY = 1_048_576;
/** EC2 lets a machine have so many. */
const MOST_TAGS = 50;
const MOST_HINTS = 1_000;
const ACCOUNT = /^\d{12}$/u;
const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/u;
const INSTANCE = /^i-[0-9a-f]{8,17}$/u;
const ARN = /^arn:aws[a-z-]*:ec2:([^:]*):([^:]*):instance\/(.+)$/u;

const STATES: Readonly<Record<string, MachineState>> = {
  pending: 'pending',
  running: 'running',
  stopping: 'stopping',
  stopped: 'stopped',
  'shutting-down': 'terminated',
  terminated: 'terminated',
};

const CLAIMS: Readonly<Record<string, MachineState | undefined>> = {
  RunInstances: 'pending',
  StartInstances: 'pending',
  StopInstances: 'stopping',
  TerminateInstances: 'terminated',
};

type Json = Readonly<Record<string, unknown>>;

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function array(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/**
 * The machines an EventBridge message names. An event of a kind that concerns none has no hints and no problem.
 * Nothing of it but account, region and instance id is believed.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
 * https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-tag.html
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
 */
export function readEvent(body: string): ReadEvent {
  if (body.length > LONGEST_BODY) return { hints: [], problem: `the message has ${body.length} characters` };
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { hints: [], problem: 'the message is not JSON' };
  }
  const event = object(parsed);
  const detail = object(event['detail']);
  const account = text(event['account']);
  const region = text(event['region']);
  const eventId = text(event['id']);
  const at = Date.parse(text(event['time']));
  if (!ACCOUNT.test(account) || !REGION.test(region) || eventId === '' || eventId.length > 200 || Number.isNaN(at))
    return { hints: [], problem: 'the message is no EventBridge event with account, region, id and time' };
  const ids = instancesOf(text(event['detail-type']), event, detail);
  if (ids === undefined) return { hints: [] };
  if (ids.foreign) return { hints: [], problem: 'the event names a resource of another account or region' };
  const bad = ids.instances.find((id) => !INSTANCE.test(id));
  if (bad !== undefined) return { hints: [], problem: `not an instance id: ${bad.slice(0, 60)}` };
  const { claimed, claimedTags, launchedBy } = ids;
  const extra = {
    ...(claimedTags === undefined ? {} : { claimedTags }),
    ...(claimed === undefined ? {} : { claimed }),
    ...(launchedBy === undefined ? {} : { launchedBy }),
  };
  const hints = [...new Set(ids.instances)].slice(0, MOST_HINTS).map((nativeId) => ({
    eventId,
    scope: { account, region },
    nativeId,
    at,
    ...extra,
  }));
  return { hints };
}

interface Named {
  readonly instances: readonly string[];
  readonly foreign: boolean;
  readonly claimed: MachineState | undefined;
  readonly claimedTags?: Readonly<Record<string, string | undefined>>;
  readonly launchedBy: string | undefined;
}

/** INVARIANT: a few, whatever an event says. Those of AWS itself are not in each kind of answer. */
function changedTags(detail: Json): Readonly<Record<string, string | undefined>> {
  const tags = object(detail['tags']);
  const keys = array(detail['changed-tag-keys']).map(text);
  const own = keys.filter((key) => key !== '' && !key.startsWith('aws:')).slice(0, MOST_TAGS);
  return Object.fromEntries(own.map((key) => [key, Object.hasOwn(tags, key) ? text(tags[key]) : undefined]));
}

function instancesOf(detailType: string, event: Json, detail: Json): Named | undefined {
  const arns = array(event['resources']).map((arn) => ARN.exec(text(arn)));
  const foreign = arns.some((arn) => arn !== null && (arn[1] !== event['region'] || arn[2] !== event['account']));
  const nobody = { launchedBy: undefined };
  switch (detailType) {
    case 'EC2 Instance State-change Notification': {
      const instances = [text(detail['instance-id'])];
      return { instances, foreign, claimed: STATES[text(detail['state'])], ...nobody };
    }
    case 'Tag Change on Resource': {
      if (detail['service'] !== 'ec2' || detail['resource-type'] !== 'instance') return undefined;
      const instances = arns.map((arn) => arn?.[3] ?? '');
      return { instances, foreign, claimed: undefined, claimedTags: changedTags(detail), ...nobody };
    }
    case 'AWS API Call via CloudTrail':
      return calledInstances(event, detail);
    default:
      return undefined;
  }
}

/** `responseElements` is null where the call failed. */
function calledInstances(event: Json, detail: Json): Named | undefined {
  const eventName = text(detail['eventName']);
  if (detail['eventSource'] !== 'ec2.amazonaws.com' || !Object.hasOwn(CLAIMS, eventName)) return undefined;
  const items = array(object(object(detail['responseElements'])['instancesSet'])['items']);
  if (items.length === 0) return undefined;
  const foreign =
    (detail['recipientAccountId'] !== undefined && detail['recipientAccountId'] !== event['account']) ||
    (detail['awsRegion'] !== undefined && detail['awsRegion'] !== event['region']);
  const launcher = text(object(detail['userIdentity'])['arn']).slice(0, 300);
  return {
    instances: items.map((item) => text(object(item)['instanceId'])),
    foreign,
    claimed: CLAIMS[eventName],
    launchedBy: eventName === 'RunInstances' && launcher !== '' ? launcher : undefined,
  };
}
