import {
  type KeyEncryption,
  type KeyServiceState,
  type KeyServiceType,
  SecretBytes,
  type WrappedKey,
} from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { RandomSource } from '@enchilada/core/time';

export interface RingKey {
  readonly id: string;
  /** The address without its options, or `file`. */
  readonly name: string;
  /** Absent: a key file. */
  readonly service?: KeyServiceState & { readonly label: string };
}

/** The key that wraps and those that still unwrap what they wrapped before. */
export interface KeyRing extends KeyEncryption {
  readonly keys: readonly RingKey[];
}

export interface KeyRingParts {
  /** Of the key that wraps. Undefined: the key file. */
  readonly key: string | undefined;
  /** Of those that only unwrap, separated by spaces. */
  readonly alsoOpens: string;
  readonly types: readonly KeyServiceType[];
  readonly openFile: (absent: 'make' | 'refuse') => Promise<KeyEncryption>;
  readonly random: RandomSource;
}

export const KEY_FILE = 'file';

/**
 * INVARIANT: the key that wraps has wrapped and unwrapped before anything is served, or there is no start; there is nothing to fall back on.
 * @throws Fault CONFIGURATION_INVALID, KEY_UNAVAILABLE
 */
export async function openKeyRing({
  key = KEY_FILE,
  alsoOpens,
  types,
  openFile,
  random,
}: KeyRingParts): Promise<KeyRing> {
  const open = async (address: string, absent: 'make' | 'refuse'): Promise<Member> => {
    if (address === KEY_FILE) return { name: KEY_FILE, keys: await openFile(absent) };
    const scheme = address.slice(0, Math.max(0, address.indexOf(':')));
    const type = types.find((one) => one.scheme === scheme);
    if (type === undefined) {
      const known = [KEY_FILE, ...types.map((one) => `${one.scheme}:…`)].join(', ');
      throw new Fault('CONFIGURATION_INVALID', `keyEncryption takes ${known}, received ${address}`, {
        facts: { key: 'keyEncryption.key' },
      });
    }
    return { name: address.split('?', 1)[0] ?? '', label: type.label, keys: await type.open(address) };
  };
  const addresses = alsoOpens.split(/\s+/u).filter((address) => address !== '' && address !== key);
  const current = await open(key, 'make');
  await prove(current, random);
  return ringOf([current, ...(await Promise.all(addresses.map((address) => open(address, 'refuse'))))]);
}

interface Member {
  readonly name: string;
  readonly label?: string;
  readonly keys: KeyEncryption;
}

async function prove({ name, keys }: Member, random: RandomSource): Promise<void> {
  const context = 'start';
  try {
    using value = new SecretBytes(random.bytes(32));
    using back = await keys.unwrap(await keys.wrap(value, context), context);
    if (Buffer.compare(back.reveal(), value.reveal()) !== 0)
      throw new Fault('KEY_UNAVAILABLE', 'it does not give back what it was given');
  } catch (cause) {
    throw new Fault('KEY_UNAVAILABLE', `${name}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      facts: cause instanceof Fault ? cause.facts : {},
    });
  }
}

function ringKeysOf({ name, label, keys }: Member): readonly RingKey[] {
  const service = label === undefined ? {} : { service: { label, ...keys.service } };
  return keys.opens.map((id) => ({ id, name, ...service }));
}

function ringOf(members: readonly [Member, ...Member[]]): KeyRing {
  const [{ keys: current }] = members;
  return {
    keyId: current.keyId,
    get opens() {
      return members.flatMap(({ keys }) => keys.opens);
    },
    get keys() {
      return members.flatMap(ringKeysOf);
    },
    wrap: (key, context) => current.wrap(key, context),
    unwrap: async (wrapped: WrappedKey, context) => {
      const member = members.find(({ keys }) => keys.opens.includes(wrapped.keyId));
      // The one that wraps says in its own words what it lacks.
      return (member?.keys ?? current).unwrap(wrapped, context);
    },
  };
}
