import { randomBytes } from 'node:crypto';
import { Secret } from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import type { AssertedPerson, PasswordProvider, ProviderSettings } from '@enchilada/core/identity';
import {
  AndFilter,
  type Client,
  ConstraintViolationError,
  type Entry,
  EqualityFilter,
  ExtensibleFilter,
  type Filter,
  FilterParser,
  InsufficientAccessError,
  OrFilter,
  UnwillingToPerformError,
} from 'ldapts';
import { connected, valueOf, valuesOf } from '../../shared/directory/connection.ts';
import { millisecondsOf } from '../../shared/directory/filetime.ts';
import { attributesOf } from '../shared/name-attributes.ts';
import { refusedBind, unavailable } from './directory-faults.ts';
import { type LdapConfig, readConfig } from './ldap-config.ts';
import { changeUnicodePassword, modifyPassword } from './password-change.ts';

const PAGE = 500;
const DEEPEST = 10;
const MOST_GROUPS = 2_000;
const NAME_MAX = 256;
const PERSON_ATTRIBUTES = ['cn', 'displayName', 'mail', 'uid', 'sAMAccountName', 'accountExpires', 'pwdReset'];
/** LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS 3.1.1.3.4.4.3): membership through any number of groups, resolved by the server. */
const IN_CHAIN = '1.2.840.113556.1.4.1941';
const NEVER = new Set(['0', '9223372036854775807']);

/** Search, then bind (RFC 4511, 4513), over TLS with a verified name alone. Referrals are not followed. */
export class LdapProvider implements PasswordProvider {
  readonly way = 'password';
  readonly #config: LdapConfig;
  readonly #secret: Secret;

  constructor({ parameters, secret }: ProviderSettings) {
    this.#config = readConfig(parameters);
    this.#secret = secret ?? new Secret('');
    try {
      FilterParser.parseString(this.#config.peopleFilter);
    } catch (cause) {
      throw new Fault('INVALID_REQUEST', 'peopleFilter must be a filter (RFC 4515)', {
        cause,
        facts: { field: 'body/parameters/peopleFilter' },
      });
    }
  }

  async verify(username: string, password: Secret): Promise<{ readonly person: AssertedPerson }> {
    requireTyped(username, password);
    return this.#searching(async (search) => {
      const entry = await this.#findByName(search, username);
      // A name that nobody has costs a bind too, with a password that is not the one typed.
      const typed = entry === undefined ? new Secret(randomBytes(12).toString('hex')) : password;
      await this.#bindAs(entry?.dn ?? `cn=${randomBytes(12).toString('hex')},${this.#config.peopleBase}`, typed);
      if (entry === undefined) throw new Fault('LOGIN_REFUSED', 'the name or the password is wrong');
      if (isOver(entry)) throw new Fault('LOGIN_REFUSED', 'the account has expired');
      if (valueOf(entry, 'pwdReset').toUpperCase() === 'TRUE')
        throw new Fault('PASSWORD_EXPIRED', 'the directory asks for a new password');
      return { person: await this.#personOf(search, entry) };
    });
  }

  async lookUp(subject: string): Promise<AssertedPerson | undefined> {
    return this.#searching(async (search) => {
      const isHex = this.#isBinaryId;
      if (isHex && !/^[0-9a-f]{2,64}$/u.test(subject)) return undefined;
      const value = isHex ? Buffer.from(subject, 'hex') : subject;
      const entry = await this.#findOne(search, new EqualityFilter({ attribute: this.#config.idAttribute, value }));
      return entry === undefined || isOver(entry) ? undefined : this.#personOf(search, entry);
    });
  }

  async changePassword(username: string, password: Secret, next: Secret): Promise<void> {
    requireTyped(username, password);
    requireTyped(username, next);
    const { changePasswords, isActiveDirectory } = this.#config;
    if (!changePasswords) throw new Fault('CONFLICT', 'passwords of this directory are not changed here');
    await this.#searching(async (search) => {
      const entry = await this.#findByName(search, username);
      if (entry === undefined) throw new Fault('LOGIN_REFUSED', 'the name or the password is wrong');
      const passwords = { old: password, next };
      try {
        if (isActiveDirectory) await changeUnicodePassword(search, entry.dn, passwords);
        else await this.#bound(entry.dn, password, (person) => modifyPassword(person, entry.dn, passwords));
      } catch (cause) {
        if (isFault(cause)) throw cause;
        // 0x56 (MS-ERREF ERROR_INVALID_PASSWORD): the old one is wrong; anything else is the policy's word on the new one.
        if (cause instanceof ConstraintViolationError && cause.message.includes('00000056'))
          throw new Fault('LOGIN_REFUSED', 'the name or the password is wrong', { cause });
        if (
          cause instanceof ConstraintViolationError ||
          cause instanceof UnwillingToPerformError ||
          cause instanceof InsufficientAccessError
        )
          throw new Fault('PASSWORD_TOO_WEAK', 'the directory does not accept the new password', { cause });
        throw unavailable(cause);
      }
    });
  }

  get #isBinaryId(): boolean {
    return this.#config.idAttribute.toLowerCase() === 'objectguid';
  }

  #findByName(search: Client, username: string): Promise<Entry | undefined> {
    const names = this.#config.loginAttributes.map((attribute) => new EqualityFilter({ attribute, value: username }));
    return this.#findOne(
      search,
      names.length === 1 && names[0] !== undefined ? names[0] : new OrFilter({ filters: names }),
    );
  }

  /** INVARIANT: what was typed stands in a filter as a value and never as text (RFC 4515 section 3). Of two with one name, nobody is meant. */
  async #findOne(search: Client, which: Filter): Promise<Entry | undefined> {
    const { peopleBase, peopleFilter, idAttribute, nameAttributes } = this.#config;
    const filter = new AndFilter({ filters: [FilterParser.parseString(peopleFilter), which] });
    const { searchEntries } = await search.search(peopleBase, {
      scope: 'sub',
      filter,
      sizeLimit: 3,
      attributes: [...PERSON_ATTRIBUTES, idAttribute, ...nameAttributes],
      ...(this.#isBinaryId ? { explicitBufferAttributes: [idAttribute] } : {}),
    });
    return searchEntries.length === 1 ? searchEntries[0] : undefined;
  }

  async #personOf(search: Client, entry: Entry): Promise<AssertedPerson> {
    const { idAttribute, isActiveDirectory, nameAttributes } = this.#config;
    const key = Object.keys(entry).find((name) => name.toLowerCase() === idAttribute.toLowerCase()) ?? '';
    const id = [entry[key] ?? ''].flat()[0] ?? '';
    const subject = Buffer.isBuffer(id) ? id.toString('hex') : id;
    if (subject === '')
      throw new Fault('PROVIDER_UNAVAILABLE', `the account that searches cannot read ${idAttribute} of people`);
    const login = valueOf(entry, isActiveDirectory ? 'sAMAccountName' : 'uid');
    return {
      subject,
      username: login === '' ? valueOf(entry, 'cn') : login,
      displayName: valueOf(entry, 'displayName') || valueOf(entry, 'cn'),
      email: valueOf(entry, 'mail') || undefined,
      groups: await this.#groupsOf(search, entry.dn, login),
      attributes: attributesOf(nameAttributes, (name) => valuesOf(entry, name)),
    };
  }

  async #groupsOf(search: Client, dn: string, login: string): Promise<readonly string[]> {
    const { isActiveDirectory, nested } = this.#config;
    if (isActiveDirectory && nested) {
      const filter = new ExtensibleFilter({ matchType: 'member', rule: IN_CHAIN, value: dn });
      return (await this.#groups(search, filter)).map((group) => this.#nameOf(group));
    }
    const found = new Map<string, Entry>();
    let members = [dn];
    for (let depth = 0; members.length > 0 && depth < (nested ? DEEPEST : 1); depth++) {
      const filters: Filter[] = members.flatMap((value) => [
        new EqualityFilter({ attribute: 'member', value }),
        new EqualityFilter({ attribute: 'uniqueMember', value }),
      ]);
      if (depth === 0 && login !== '') filters.push(new EqualityFilter({ attribute: 'memberUid', value: login }));
      const groups = await this.#groups(search, new OrFilter({ filters }));
      const fresh = groups.filter((group) => !found.has(group.dn.toLowerCase()));
      for (const group of fresh) found.set(group.dn.toLowerCase(), group);
      if (found.size > MOST_GROUPS) break;
      members = fresh.map((group) => group.dn);
    }
    return [...found.values()].map((group) => this.#nameOf(group));
  }

  async #groups(search: Client, filter: Filter): Promise<readonly Entry[]> {
    const { groupBase, isActiveDirectory } = this.#config;
    const attributes = [isActiveDirectory ? 'sAMAccountName' : 'cn'];
    const { searchEntries } = await search.search(groupBase, {
      ...{ scope: 'sub' as const, filter, attributes },
      paged: { pageSize: PAGE },
    });
    return searchEntries;
  }

  #nameOf(group: Entry): string {
    const { groupNames, isActiveDirectory } = this.#config;
    return groupNames === 'dn' ? group.dn : valueOf(group, isActiveDirectory ? 'sAMAccountName' : 'cn');
  }

  /** @throws Fault LOGIN_REFUSED, PASSWORD_EXPIRED, PROVIDER_UNAVAILABLE */
  #bindAs(dn: string, password: Secret): Promise<void> {
    return this.#bound(dn, password, () => Promise.resolve());
  }

  async #bound<T>(dn: string, password: Secret, work: (client: Client) => Promise<T>): Promise<T> {
    return connected(
      this.#config,
      async (client) => {
        try {
          await client.bind(dn, password.reveal());
        } catch (cause) {
          throw refusedBind(cause);
        }
        return work(client);
      },
      unavailable,
    );
  }

  /** As the account that searches. Whatever fails here says nothing of any person. */
  async #searching<T>(work: (search: Client) => Promise<T>): Promise<T> {
    return connected(
      this.#config,
      async (client) => {
        try {
          if (this.#secret.reveal() === '') throw new Error('the account that searches has no password');
          await client.bind(this.#config.bindDn, this.#secret.reveal());
          return await work(client);
        } catch (cause) {
          throw unavailable(cause);
        }
      },
      unavailable,
    );
  }
}

/** INVARIANT: no bind without a password: RFC 4513 section 5.1.2 makes it an anonymous one that succeeds (T11). */
function requireTyped(username: string, password: Secret): void {
  const isEmpty = username.trim() === '' || password.reveal().trim() === '';
  if (isEmpty || username.length > NAME_MAX || username.includes('\0') || password.reveal().includes('\0'))
    throw new Fault('LOGIN_REFUSED', 'the name or the password is wrong');
}

/** Active Directory's end of an account, which a bind respects and a listing does not. */
function isOver(entry: Entry): boolean {
  const text = valueOf(entry, 'accountExpires');
  const end = NEVER.has(text) ? undefined : millisecondsOf(text);
  return end !== undefined && end <= Date.now();
}
