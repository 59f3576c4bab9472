import { sqlite } from '@enchilada/adapters/store/sqlite';
import { ADMIN } from '../tests/site.ts';
import { type LargePolicy, userId } from './large-policy.ts';

export const nameOf = (index: number): string => `person-${index}`;

/** Written beside the running gateway, as another node would; everybody's sign-in is the administrator's. */
export async function writePolicy(
  file: string,
  { targets, targetGroups, grants, userGroups, membership }: LargePolicy,
): Promise<void> {
  await using store = sqlite({ file });
  const admin = await store.now.users.findByUsername(ADMIN.username);
  if (admin === undefined) throw new Error('the administrator is not there');
  await store.transaction(async (tx) => {
    for (const [index] of membership.entries())
      await tx.users.insert({
        ...admin,
        ...{ id: userId(index), username: nameOf(index), role: 'user', version: 1 },
      });
    for (const id of userGroups) await tx.groups.insert({ id, name: id, description: '', createdAt: 0 });
    for (const [index, groups] of membership.entries())
      for (const id of groups) await tx.groups.addMember(id, userId(index));
    for (const group of targetGroups) await tx.catalog.insertGroup(group);
    await tx.catalog.insertTargets(targets);
    for (const grant of grants) await tx.grants.insert(grant);
  });
}
