import type { AccessRequest } from '@enchilada/core/access';
import { plainText } from '@enchilada/core/discovery';
import type { NotificationEvent } from '@enchilada/core/notification';
import type { News } from '../notifications/news-desk.ts';

const LONGEST = 1_000;

type RequestEvent = Extract<NotificationEvent, `request.${string}`>;

interface Circumstances {
  /** How many must agree. */
  readonly count: number;
  readonly by: string;
  readonly at: number;
}

const TITLES: Readonly<
  Record<RequestEvent, (request: Pick<AccessRequest, 'username' | 'scopeName'>, by: string) => string>
> = {
  'request.asked': ({ username, scopeName }) => `${username} asks for access to ${scopeName}`,
  'request.approved': ({ username, scopeName }, by) => `${by} approved: ${username} may open ${scopeName}`,
  'request.denied': ({ username, scopeName }, by) => `${by} denied ${username} access to ${scopeName}`,
  'request.cancelled': ({ username, scopeName }) => `${username} withdrew the request for ${scopeName}`,
  'request.break-glass': ({ username, scopeName }) =>
    `BREAK-GLASS: ${username} took access to ${scopeName} without an approval`,
};

/** What people are told about a request. The reason is the asker's own words, on one line and without signs that are not seen. */
export function newsOf(event: RequestEvent, request: AccessRequest, { count, by, at }: Circumstances): News {
  const { id, actions, from, until } = request;
  const [username, scopeName, reason] = [request.username, request.scopeName, request.reason].map((text) =>
    plainText(text, LONGEST),
  ) as [string, string, string];
  const time = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
  return {
    event,
    at,
    title: TITLES[event]({ username, scopeName }, by),
    path: `/requests?show=${id}`,
    loud: event === 'request.break-glass',
    facts: [
      { name: 'Who', value: username },
      { name: 'Machines', value: scopeName },
      { name: 'May', value: actions.join(', ') },
      { name: 'When', value: `${time(from)} – ${time(until)} UTC` },
      { name: 'Why', value: reason },
      ...(event === 'request.asked' ? [{ name: 'Approvals needed', value: String(count) }] : []),
      ...(event === 'request.approved' || event === 'request.denied' ? [{ name: 'Decided by', value: by }] : []),
    ],
  };
}
