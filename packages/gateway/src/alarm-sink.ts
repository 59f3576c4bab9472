import type { AuditAction, AuditSink } from '@enchilada/core/audit';
import type { Logger } from 'pino';

/** What an operator should hear of at once, and not only when somebody reads the audit log. */
const ALARMS: Readonly<Partial<Record<AuditAction, string>>> = {
  'login.break-glass': 'the administrator of last resort signed in',
  'recovery.issued': 'a recovery link was made for an account',
  'recovery.refused': 'a recovery link was refused',
  'factor.reset': 'the second factors of an account were removed',
  'request.break-glass': 'somebody took access to machines without an approval',
  'user.recovered': 'a recovery link was used to set a new password',
  'backup.created': 'the data of this gateway were copied',
  'backup.restored': 'this data folder came from a backup',
};

/** Says the loud events of the audit log in the log as well. */
export function alarmSink(log: Logger): AuditSink {
  return {
    delivery: 'best-effort',
    deliver({ action, actor, address, outcome }) {
      const words = ALARMS[action];
      if (words === undefined) return;
      const userId = actor.kind === 'user' ? { userId: actor.id } : {};
      log.warn({ action, outcome, ...userId, ...(address === undefined ? {} : { address }) }, words);
    },
  };
}
