import type { Me } from '@enchilada/contract';
import { renderUnicodeCompact } from 'uqr';
import { CommandFailure } from '../frame/exit-code.ts';
import type { Io } from '../frame/io.ts';
import { askPassword, isTerminal } from './ask.ts';
import type { Api } from './client.ts';

interface Ask {
  readonly io: Io;
  readonly note: (text: string) => void;
  readonly codeFile: string | undefined;
}

/** Completes a login whose second factor is due, or enrols the first one. @throws CommandFailure 3 */
export async function giveFactor(api: Api, ask: Ask): Promise<Me> {
  const { stage, items, recoveryCodes } = await api.listFactors();
  if (stage === 'enrolment') return enrol(api, ask);
  if (!items.some(({ kind }) => kind === 'totp') && recoveryCodes === 0)
    throw new CommandFailure(
      3,
      'your second factor is a passkey, which needs a browser: give it there, and approve the code of enchilada login URL',
    );
  const code = await askPassword(ask.io, 'Code of your authenticator app, or a recovery code', ask.codeFile);
  const { me } = await api.prove({ body: { code: code.reveal() } });
  if (me === undefined) throw new CommandFailure(3, 'the server accepted the code and did not complete the login');
  return me;
}

async function enrol(api: Api, { io, note }: Ask): Promise<Me> {
  if (!isTerminal(io))
    throw new CommandFailure(
      3,
      'a second factor is demanded of you, and you have none yet; sign in with a browser or at a terminal to enrol one',
    );
  const { id, secret, uri } = await api.startTotp();
  note('A second factor is demanded of you. Read this with an authenticator app:');
  for (const line of renderUnicodeCompact(uri, { ecc: 'L', border: 2 }).split('\n')) note(line);
  note(`or type its key: ${secret.replaceAll(/(.{4})(?=.)/gu, '$1 ')}`);
  const code = await askPassword(io, 'Code that the app shows', undefined);
  const { me, recoveryCodes } = await api.confirmTotp({
    params: { id },
    body: { code: code.reveal(), name: 'Authenticator app' },
  });
  if (recoveryCodes !== undefined) {
    note('Recovery codes, shown this once; each signs you in once without the app:');
    for (const line of recoveryCodes) note(`  ${line}`);
  }
  return me;
}
