import type { Secret } from '@enchilada/core/credential';
import { Attribute, Change, type Client } from 'ldapts';

/** RFC 3062. */
const PASSWORD_MODIFY = '1.3.6.1.4.1.4203.1.11.1';

/** One element of BER: a tag, a definite length, the value. */
function element(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}

/** The server hashes the new password and applies its policy. Bound as the person. */
export async function modifyPassword(client: Client, dn: string, passwords: Passwords): Promise<void> {
  const fields = [dn, passwords.old.reveal(), passwords.next.reveal()].map((text, index) =>
    element(0x80 + index, Buffer.from(text, 'utf8')),
  );
  await client.exop(PASSWORD_MODIFY, element(0x30, Buffer.concat(fields)));
}

/** MS-ADTS 3.1.1.3.1.5: the old value is deleted and the new one added, which is a change and no reset: it needs the old password and no right beside. */
export async function changeUnicodePassword(client: Client, dn: string, passwords: Passwords): Promise<void> {
  const value = (password: Secret): Attribute =>
    new Attribute({ type: 'unicodePwd', values: [Buffer.from(`"${password.reveal()}"`, 'utf16le')] });
  await client.modify(dn, [
    new Change({ operation: 'delete', modification: value(passwords.old) }),
    new Change({ operation: 'add', modification: value(passwords.next) }),
  ]);
}

export interface Passwords {
  readonly old: Secret;
  readonly next: Secret;
}
