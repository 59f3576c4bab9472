import { GRANT_ACTIONS } from '@enchilada/core/access';
import { Type, type Static } from 'typebox';
import { closed, Count, Id, Limit, list, text, Time, words } from '../schema.ts';
import { Grant } from './machine.ts';

/** Of one person, of one machine, or of both: by name or id, as they were called at the moment. One of them is needed; the file can be of everybody and everything, with neither. */
const ReportFilter = {
  /** A moment of the past, in milliseconds since the Unix epoch; without it, the one of the question. */
  at: Type.Optional(Time),
  user: Type.Optional(text(128, 1)),
  target: Type.Optional(text(200, 1)),
};
export const AccessReportQuery = closed({ ...ReportFilter, limit: Type.Optional(Limit) });
export const AccessReportExportQuery = closed({ ...ReportFilter, format: words(['csv', 'json']) });

export const AccessReportSizeQuery = closed(ReportFilter);
/** Of the file of that moment, which is the same whenever it is asked for. */
export const AccessReportSize = closed({ at: Time, rows: Count });

export const AccessReport = closed({
  /** The moment that was judged. */
  at: Time,
  items: list(
    closed({
      userId: Id,
      username: text(128),
      displayName: text(200),
      targetId: Id,
      targetName: text(200),
      actions: list(words(GRANT_ACTIONS), 20),
      /** What gave it: grants, and requests that were approved. */
      grantIds: list(Id, 10_000),
      /** From some networks only, or once it was approved. */
      conditional: Type.Boolean(),
    }),
    500,
  ),
  total: Count,
  /** Whom and what was asked about, where that is one. */
  userId: Type.Optional(Id),
  targetId: Type.Optional(Id),
  /** Those that the items name. */
  grants: list(Grant, 10_000),
  /** Why there is nothing, whatever the grants said. */
  obstacles: list(words(['account-disabled', 'no-machine-permission', 'machine-gone']), 3),
});
export type AccessReport = Static<typeof AccessReport>;
