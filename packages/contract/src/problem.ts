import { FAULTS, type FaultCode } from '@enchilada/core/fault';
import { Type, type Static } from 'typebox';
import { closed, Facts, words } from './schema.ts';

export const FAULT_CODES = Object.keys(FAULTS) as [FaultCode, ...FaultCode[]];

/** RFC 9457. `code` is permanent; `reference` is also in the log. The interface translates `code`, never `detail`. */
export const Problem = closed({
  code: words(FAULT_CODES),
  title: Type.String({ maxLength: 300 }),
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  detail: Type.String({ maxLength: 2000 }),
  reference: Type.String({ maxLength: 40 }),
  facts: Facts,
});
export type Problem = Static<typeof Problem>;

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
