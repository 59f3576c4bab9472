export interface Account {
  readonly username: string;
  readonly domain: string;
}

/** `DOMAIN\name` and `name@domain`; the second goes as it is, with an empty domain. [MS-NLMP] 3.1.1.1 */
export function accountOf(text: string): Account {
  const cut = text.indexOf('\\');
  if (cut < 0) return { username: text, domain: '' };
  const domain = text.slice(0, cut);
  // `.\name` is an account of the machine itself.
  return { username: text.slice(cut + 1), domain: domain === '.' ? '' : domain };
}
