import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { until } from '@enchilada/core/testing/until';
import { Person } from '../product/index.ts';

export const PASSWORD = 'another long phrase for them 11!';

export interface PersonWithMachine {
  readonly person: Person;
  readonly userId: string;
  readonly targetId: string;
  readonly grantId: string;
}

/** Somebody, signed in where the administrator is, who may open one machine. */
export async function personWithMachine(admin: Person, sshd: Sshd, username: string): Promise<PersonWithMachine> {
  const { api } = admin;
  await api.createUser({ body: { username, displayName: username, role: 'user', password: PASSWORD } });
  const person = await Person.signIn(admin.url, { username, password: PASSWORD });
  const { user } = await person.api.getMe();
  const credential = await api.createCredential({
    body: { name: `of ${username}`, kind: 'password', username: sshd.username, secret: sshd.password },
  });
  const target = await api.createTarget({
    body: {
      name: `machine of ${username}`,
      protocol: 'ssh',
      host: sshd.host,
      port: sshd.port,
      hostKeyPolicy: 'trust-first',
      credentialId: credential.id,
    },
  });
  const grant = await api.createGrant({
    body: { subject: { kind: 'user', id: user.id }, scope: { kind: 'target', id: target.id }, actions: ['connect'] },
  });
  return { person, userId: user.id, targetId: target.id, grantId: grant.id };
}

const PATIENCE_MS = 60_000;
const PAUSE_MS = 50;

/** Asks again until the answer is there, and says after how many milliseconds it was. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<number> {
  const begun = performance.now();
  for (;;) {
    const elapsed = performance.now() - begun;
    if (await holds()) return Math.round(elapsed);
    if (elapsed > PATIENCE_MS) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** The id of a recording that is whole: it becomes so shortly after its session has ended. */
export async function completeRecording(reader: Person): Promise<string> {
  return until(async () => {
    const { items } = await reader.api.listRecordings({ query: {} });
    return items.find(({ state }) => state === 'complete')?.id;
  }, 'a recording that is complete');
}
