import { Secret, type SecretStore, type SecretStoreType } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { manifest, readConfig } from './laps-config.ts';

export interface WindowsLapsParts {
  readonly clock: Pick<Clock, 'now'>;
}

/** Passwords that machines set themselves and write into Active Directory. The path is the name of a computer. */
export function windowsLaps({ clock }: WindowsLapsParts): SecretStoreType {
  return {
    manifest,
    open({ parameters, secret }): SecretStore {
      const config = readConfig(parameters);
      return {
        async read(path, accounts, signal) {
          if (secret === undefined || secret.reveal() === '')
            throw new Fault('SECRET_STORE_DENIED', 'no password is stored for the account that reads', {
              facts: { permission: 'a password of the account that reads' },
            });
          // The library is loaded for whoever has configured one.
          const { passwordOf } = await import('./laps-lookup.ts');
          const asked = { config, secret, now: clock.now(), signal };
          const found = accounts.map((account) => passwordOf(asked, path, account));
          return (await Promise.race([Promise.all(found), late(signal)])).map((password) => new Secret(password));
        },
      };
    },
  };
}

function late(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const refuse = (): void => {
      reject(new Fault('SECRET_STORE_UNAVAILABLE', 'the directory did not answer in time'));
    };
    if (signal.aborted) refuse();
    else signal.addEventListener('abort', refuse, { once: true });
  });
}
