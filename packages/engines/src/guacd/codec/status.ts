import { Fault, type FaultCode } from '@enchilada/core/fault';

/** [Status codes](https://guacamole.apache.org/doc/gug/protocol-reference.html#status-codes) of `error`, as far as they say something of their own. */
const CODES: Readonly<Record<number, readonly [FaultCode, string]>> = {
  513: ['TARGET_TIMED_OUT', 'guacd is too busy'],
  514: ['TARGET_TIMED_OUT', 'the machine does not answer'],
  515: ['TARGET_DISCONNECTED', 'the machine ended the connection with an error'],
  516: ['TARGET_PROTOCOL_VIOLATION', 'guacd no longer has the connection'],
  517: ['TARGET_DISCONNECTED', 'the machine is used from elsewhere'],
  519: ['TARGET_REFUSED', 'the machine is not there or refuses the port'],
  520: ['TARGET_NO_ROUTE', 'the machine cannot be reached'],
  521: ['TARGET_DISCONNECTED', 'another session took the machine'],
  522: ['TARGET_DISCONNECTED', 'the machine ended the session for being idle'],
  523: ['TARGET_DISCONNECTED', 'the machine ended the session'],
  768: ['TARGET_PROTOCOL_VIOLATION', 'the settings of the machine are wrong'],
  769: ['CREDENTIAL_REFUSED', 'the machine refused the credential'],
  771: ['CREDENTIAL_REFUSED', 'the machine lets this account do nothing'],
  776: ['TARGET_TIMED_OUT', 'guacd gave up waiting for us'],
  797: ['TARGET_DISCONNECTED', 'guacd has too many connections'],
};

/** What an `error` instruction means, with guacd's own words. */
export function faultOfError(words: readonly string[]): Fault {
  const [said = '', code = ''] = words;
  const number = /^\d{1,5}$/u.test(code) ? Number(code) : 512;
  const [fault, meaning] = CODES[number] ?? ['TARGET_DISCONNECTED', 'guacd failed'];
  const clean = said.replace(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 200);
  return new Fault(fault, `${meaning} (guacd ${number}: ${clean})`);
}
