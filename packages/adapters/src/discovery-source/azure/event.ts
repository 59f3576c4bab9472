import type { Hint, MachineState } from '@enchilada/core/discovery';
import { readResourceId, subscriptionOf } from './resource-id.ts';

export interface ReadEvent {
  readonly hints: readonly Hint[];
  readonly problem?: string;
}

/** A scope spans the regions of its subscription: most events do not name one. */
export const ALL_REGIONS = 'all';

const LONGEST_BODY = 1_048_576;
const MOST_EVENTS = 1_000;
const DELETED = /^Microsoft\.(?:Resources\.ResourceDeleteSuccess|ResourceNotifications\.Resources\.Deleted)$/u;
const CHANGED =
  /^Microsoft\.(?:Resources\.Resource(?:Write|Action)Success|ResourceNotifications\.Resources\.CreatedOrUpdated)$/u;

/** What an action ends in, as far as it says anything about the state. */
const CLAIMS: Readonly<Record<string, MachineState | undefined>> = {
  'microsoft.compute/virtualmachines/start/action': 'running',
  'microsoft.compute/virtualmachines/deallocate/action': 'stopped',
  'microsoft.compute/virtualmachines/poweroff/action': 'stopped',
};

type Json = Readonly<Record<string, unknown>>;

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/**
 * The machines an Event Grid message names, in either of its schemas and from either kind of topic. An event that concerns none has no
 * hints and no problem. Nothing of it but the resource id is believed; who caused it is neither kept nor logged.
 * https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions
 * https://learn.microsoft.com/azure/event-grid/event-schema-resources
 */
export function readEvent(body: string): ReadEvent {
  if (body.length > LONGEST_BODY) return { hints: [], problem: `the message has ${body.length} characters` };
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoded(body));
  } catch {
    return { hints: [], problem: 'the message is not JSON' };
  }
  const events: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  if (events.length === 0 || events.length > MOST_EVENTS)
    return { hints: [], problem: `the message has ${events.length} events` };
  const read = events.map((event) => readOne(object(event)));
  const problem = read.find((one) => one.problem !== undefined)?.problem;
  if (problem !== undefined) return { hints: [], problem };
  return { hints: read.flatMap(({ hints }) => hints) };
}

/** Event Grid writes Base64 into storage queues. */
function decoded(body: string): string {
  const trimmed = body.trim();
  return /^[A-Za-z0-9+/]+={0,2}$/u.test(trimmed) ? Buffer.from(trimmed, 'base64').toString('utf8') : trimmed;
}

function readOne(event: Json): ReadEvent {
  const data = object(event['data']);
  const type = text(event['type'] ?? event['eventType']);
  const eventId = text(event['id']);
  const origin = text(event['source'] ?? event['topic']);
  const resource = object(data['resourceInfo'] ?? data['resourceDetails']);
  const operational = object(data['operationalInfo'] ?? data['operationalDetails']);
  const at = Date.parse(text(operational['resourceEventTime'] ?? event['time'] ?? event['eventTime']));
  if (type === '' || eventId === '' || eventId.length > 200 || Number.isNaN(at))
    return { hints: [], problem: 'the message is no Event Grid event with type, id and time' };
  const deletes = DELETED.test(type);
  if (!deletes && !CHANGED.test(type)) return { hints: [] };
  const named = text(resource['id'] ?? data['resourceUri'] ?? event['subject']);
  const subscription = subscriptionOf(named);
  if (subscription === undefined) return { hints: [], problem: `not a resource id: ${named.slice(0, 60)}` };
  if (subscriptionOf(origin) !== subscription)
    return { hints: [], problem: 'the event names a resource of another subscription' };
  const id = readResourceId(named);
  if (id === undefined) return { hints: [] };
  const claimed = deletes ? 'terminated' : CLAIMS[text(data['operationName']).toLowerCase()];
  const hint = { eventId, scope: { account: id.subscription, region: ALL_REGIONS }, nativeId: id.id, at };
  return { hints: [claimed === undefined ? hint : { ...hint, claimed }] };
}
