import type { AuditEvent } from '@enchilada/core/audit';
import type { ProviderRecord, User } from '@enchilada/core/identity';
import type { Owed } from '../settlement/settlements.ts';

type Happening = Pick<AuditEvent, 'action' | 'object' | 'detail' | 'reason'>;

/** What a provider did itself, or by what it said of somebody. */
export function eventBy(record: Pick<ProviderRecord, 'name'>, happening: Happening): AuditEvent {
  return { ...happening, actor: { kind: 'system', name: record.name }, outcome: 'success' };
}

export function acted(
  action: AuditEvent['action'],
  user: User,
  { record, detail, reason }: Pick<AuditEvent, 'reason' | 'detail'> & { readonly record: ProviderRecord },
): Owed {
  const happening = {
    action,
    object: { kind: 'user', id: user.id, name: user.username },
    ...(reason === undefined ? {} : { reason }),
    detail: { ...detail, provider: record.id },
  } as const;
  return { providerId: record.id, event: eventBy(record, happening) };
}

/** A membership that a provider gave or takes. */
export function memberEvent(
  action: 'group.member-added' | 'group.member-removed',
  user: Pick<User, 'id' | 'username'>,
  { record, id }: { readonly record: ProviderRecord; readonly id: string },
): Owed {
  const detail = { userId: user.id, username: user.username, provider: record.id };
  return { providerId: record.id, event: eventBy(record, { action, object: { kind: 'group', id }, detail }) };
}
