import { Fault } from '../fault/index.ts';

/** What templates may say of a person. */
export interface NamedPerson {
  readonly username: string;
  readonly email?: string | undefined;
  /** From the directory or the provider; names in lower case. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

const TOKEN = /\{([^{}]*)\}/gu;
const KNOWN = /^(?:username|email|email\.local|email\.domain|attribute\.[a-z][a-z0-9_-]{0,63})$/iu;
/** What a person's own data may put into a name. Nothing that separates, quotes, matches several or begins an option, on any system. */
const FIT = /^[\p{L}\p{N}_][\p{L}\p{N}._@+-]{0,63}$/u;
const LONGEST = 256;
/** Accounts of the systems themselves. INVARIANT: nobody becomes one of them by what a directory or the person says; who means them writes them out. */
const OF_THE_SYSTEM = new Set(
  (
    'root toor daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody sshd systemd-network messagebus ' +
    'admin administrator administrador administrateur guest defaultaccount system localsystem wheel sudo operator ' +
    // Of images in clouds: most may become root without a password.
    'ubuntu debian ec2-user centos fedora rocky almalinux opc azureuser core cloud-user cloudadmin vagrant ssm-user'
  ).split(' '),
);

/** As connections of Guacamole write them: `${GUAC_USERNAME}`, and `${LDAP_MAIL}` or `${OIDC_MAIL}` for an attribute. */
const FOREIGN_TOKEN = /\$\{([A-Z][A-Z0-9]*)_([A-Z0-9_]+)\}/gu;

function native(template: string): string {
  return template.replaceAll(FOREIGN_TOKEN, (token, family: string, name: string) => {
    if (family !== 'GUAC') return `{attribute.${name.toLowerCase()}}`;
    return name === 'USERNAME' ? '{username}' : token;
  });
}

/** What is wrong with a template, for whoever writes it; undefined where nothing is. */
export function templateProblem(template: string): string | undefined {
  const translated = native(template);
  const literal = translated.replaceAll(TOKEN, '');
  if (/[{}]/u.test(literal)) return `has a brace without its other half, received ${template}`;
  for (const [, name = ''] of translated.matchAll(TOKEN))
    if (!KNOWN.test(name))
      return `must use {username}, {email}, {email.local}, {email.domain} or {attribute.NAME}, received {${name}}`;
  return undefined;
}

/**
 * The name that a template gives a person. Without any of the tokens it is taken to the letter.
 * @throws Fault USERNAME_UNFIT where the person has no such value, or one that no machine may be told as a name
 */
export function fillTemplate(template: string, person: NamedPerson): string {
  const problem = templateProblem(template);
  if (problem !== undefined) throw new Fault('USERNAME_UNFIT', `the user name ${problem}`);
  const translated = native(template);
  if (translated.search(TOKEN) === -1) return template;
  const filled = translated.replaceAll(TOKEN, (token, name: string) => {
    const value = valueOf(name.toLowerCase(), person);
    if (value === undefined || value === '')
      throw new Fault('USERNAME_UNFIT', `${person.username} has no ${token}`, { facts: { token } });
    if (!FIT.test(value))
      throw new Fault('USERNAME_UNFIT', `${token} of ${person.username} holds what no user name may`, {
        facts: { token },
      });
    return value;
  });
  requireOwnName(filled, template, person);
  return filled;
}

/** For a name that was made of somebody's own data. @throws Fault USERNAME_UNFIT where it is an account of the system */
export function requireOwnName(name: string, template: string, { username }: NamedPerson): void {
  const account = name.slice(name.lastIndexOf('\\') + 1);
  if (name.length > LONGEST || OF_THE_SYSTEM.has(account.toLowerCase().split('@')[0] ?? ''))
    throw new Fault('USERNAME_UNFIT', `${template} makes ${name.slice(0, 64)} of ${username}`, {
      facts: { token: template },
    });
}

/** Whether somebody's own data may stand in a name, or where a shell reads it. */
export function isFitValue(value: string): boolean {
  return FIT.test(value);
}

function valueOf(name: string, { username, email, attributes }: NamedPerson): string | undefined {
  const at = email?.lastIndexOf('@') ?? -1;
  switch (name) {
    case 'username':
      return username;
    case 'email':
      return email;
    case 'email.local':
      return at > 0 ? email?.slice(0, at) : undefined;
    case 'email.domain':
      return at > 0 ? email?.slice(at + 1) : undefined;
    default:
      return ownOf(attributes, name.slice('attribute.'.length));
  }
}

function ownOf(attributes: NamedPerson['attributes'] = {}, name: string): string | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}
