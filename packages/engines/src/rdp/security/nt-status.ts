import { Fault } from '@enchilada/core/fault';

/** [MS-ERREF] 2.3.1, those that a sign-in ends with. */
const WORDS: Readonly<Record<number, string>> = {
  0xc000_006d: 'the name or the password is wrong',
  0xc000_006a: 'the password is wrong',
  0xc000_0064: 'there is no such account',
  0xc000_006e: 'the account may not sign in this way',
  0xc000_006f: 'the account may not sign in at this time',
  0xc000_0070: 'the account may not sign in from here',
  0xc000_0071: 'the password has expired',
  0xc000_0072: 'the account is disabled',
  0xc000_015b: 'the account lacks the right to sign in from afar',
  0xc000_0193: 'the account has expired',
  0xc000_0224: 'the password must be changed first',
  0xc000_0234: 'the account is locked',
  0xc000_0413: 'the machine lets this account not sign in (authentication firewall)',
};

export function statusFault(status: number | undefined): Fault {
  if (status === undefined)
    return new Fault('TARGET_PROTOCOL_VIOLATION', 'the target broke off network level authentication without a reason');
  const code = `0x${(status >>> 0).toString(16)}`;
  const words = WORDS[status >>> 0] ?? `it says ${code}`;
  return new Fault('CREDENTIAL_REFUSED', `the target refused the credential: ${words}`, {
    facts: { reason: words, status: code },
  });
}
