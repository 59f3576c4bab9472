/** What a resource id names, of the kinds that discovery knows. */
export interface ResourceId {
  /** INVARIANT: in lower case, because events, Resource Graph and Resource Manager write the same id in different cases. */
  readonly id: string;
  readonly subscription: string;
  readonly kind: 'machine' | 'scale-set' | 'scale-set-machine';
  readonly name: string;
}

const GUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const NAME = '[^/?#%\\s\\\\]{1,90}';
const MACHINE = new RegExp(
  `^/subscriptions/(${GUID})/resourcegroups/${NAME}/providers/microsoft\\.compute/(virtualmachines|virtualmachinescalesets)/(${NAME})(?:/virtualmachines/(${NAME}))?$`,
  'u',
);

/** Undefined for every other kind of resource. */
export function readResourceId(text: string): ResourceId | undefined {
  const id = text.toLowerCase();
  const match = MACHINE.exec(id);
  // INVARIANT: an id becomes a path of a call made with our identity, so a segment never climbs.
  if (match === null || id.split('/').some((segment) => /^\.+$/u.test(segment))) return undefined;
  const [, subscription = '', type = '', name = '', instance] = match;
  const isSet = type === 'virtualmachinescalesets';
  if (!isSet && instance !== undefined) return undefined;
  return {
    id,
    subscription,
    kind: isSet ? (instance === undefined ? 'scale-set' : 'scale-set-machine') : 'machine',
    name: instance === undefined ? name : `${name}_${instance}`,
  };
}

/** The subscription of a topic or source: `/subscriptions/{id}`, with or without more behind it. */
export function subscriptionOf(path: string): string | undefined {
  return new RegExp(`^/subscriptions/(${GUID})(?:/|$)`, 'u').exec(path.toLowerCase())?.[1];
}

/** The last segment. */
export function nameOf(id: string | undefined): string | undefined {
  return id === undefined || id === '' ? undefined : id.split('/').at(-1);
}
