import { Fault, type FaultCode, isFault, toFault } from '@enchilada/core/fault';
import { statusOf } from '../http/fault-status.ts';

export const SCIM_MEDIA_TYPE = 'application/scim+json';
export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const ENTERPRISE_SCHEMA = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** RFC 7644 section 3.12 */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue';

/** A refusal in SCIM's own words; carried as a fact of the fault. */
export function scimFault(type: ScimType, message: string): Fault {
  return new Fault(type === 'uniqueness' ? 'CONFLICT' : 'INVALID_REQUEST', message, { facts: { scimType: type } });
}

/** If-Match named another version. RFC 7644 section 3.14 */
export function outdated(): Fault {
  return new Fault('CONFLICT', 'the resource has another version by now', { facts: { precondition: true } });
}

export interface ScimFailure {
  readonly fault: Fault;
  readonly status: number;
  readonly body: object;
}

const UNREADABLE: Readonly<Partial<Record<FaultCode, true>>> = { PROVIDER_REFUSED: true };

/** RFC 7644 section 3.12. What failed inside stays inside. */
export function scimFailure(error: unknown): ScimFailure {
  const { statusCode, code } = error as { readonly statusCode?: number; readonly code?: string };
  const isUnread = !isFault(error) && statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  const fault = isUnread
    ? scimFault(
        'invalidSyntax',
        code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? 'the body is too large' : 'the request cannot be read',
      )
    : toFault(error);
  const status = statusFor(fault);
  const scimType = fault.facts['scimType'] ?? (fault.code === 'CONFLICT' && status === 409 ? 'uniqueness' : undefined);
  return {
    ...{ fault, status },
    body: {
      schemas: [ERROR_SCHEMA],
      status: String(status),
      ...(scimType === undefined ? {} : { scimType }),
      detail: status >= 500 ? 'the request failed inside; the log says why' : fault.message,
    },
  };
}

function statusFor(fault: Fault): number {
  if (fault.facts['precondition'] === true) return 412;
  return UNREADABLE[fault.code] === true ? 400 : statusOf(fault.code);
}

/** RFC 7644 section 3.4.2 */
export function listResponse(items: readonly object[], startIndex: number, total: number): object {
  return {
    schemas: [LIST_SCHEMA],
    totalResults: total,
    startIndex,
    itemsPerPage: items.length,
    Resources: items,
  };
}
