import { setTimeout as pause } from 'node:timers/promises';
import { ApiProblem, type Me } from '@enchilada/contract';
import { CommandFailure } from '../frame/exit-code.ts';
import type { Api } from './client.ts';

const LONGEST_INTERVAL = 60;
const TOO_LATE = 'nobody approved the code in time; begin again with enchilada login';

const SWITCHED_OFF =
  'this server signs in no command line by way of a browser: its administrator switched that off. ' +
  'A local account signs in with enchilada login URL USERNAME; a program uses an API token (ENCH_URL and ENCH_TOKEN_FILE)';

/**
 * Signs in by way of a browser, anywhere (RFC 8628). Nothing is opened here: who approves goes there by themselves.
 * Undefined: a second factor is still due. @throws CommandFailure 3
 */
export async function signInByDevice(api: Api, note: (text: string) => void): Promise<Me | undefined> {
  return approved(api, note).catch((failure: unknown) => {
    if (!(failure instanceof ApiProblem) || failure.code !== 'DEVICE_SIGN_IN_OFF') throw failure;
    throw new CommandFailure(3, SWITCHED_OFF, { cause: failure });
  });
}

async function approved(api: Api, note: (text: string) => void): Promise<Me | undefined> {
  const { deviceCode, userCode, verificationUri, expiresIn, ...asked } = await api.askDeviceLogin();
  note(`To sign in, open ${verificationUri} in a browser and enter the code`);
  note(`  ${userCode}`);
  note(
    `The code is good for ${Math.round(expiresIn / 60)} minutes. Approve it only where the address is this machine's.`,
  );
  let { interval } = asked;
  for (let left = expiresIn; left > 0; left -= interval) {
    await pause(interval * 1000);
    const polled = await api.pollDeviceLogin({ body: { deviceCode } }).catch((failure: unknown) => {
      if (!isPassing(failure)) throw failure;
      return undefined;
    });
    // Section 3.5: a server that does not answer is asked half as often.
    if (polled === undefined) interval = Math.min(interval * 2, LONGEST_INTERVAL);
    else if (polled.error === undefined) return polled.me;
    else if (polled.error === 'slow_down') interval = polled.interval ?? interval + 5;
    else if (polled.error === 'access_denied') throw new CommandFailure(3, 'the sign-in was denied in the browser');
    else if (polled.error === 'expired_token') throw new CommandFailure(3, TOO_LATE);
  }
  throw new CommandFailure(3, TOO_LATE);
}

function isPassing(failure: unknown): boolean {
  if (failure instanceof ApiProblem) return failure.status >= 500 || failure.status === 429;
  return failure instanceof CommandFailure && failure.exitCode === 4;
}
