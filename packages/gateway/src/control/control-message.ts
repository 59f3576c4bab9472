/** What comes through the control folder; docs/operating.md describes it. */
export type ControlRequest =
  | {
      readonly kind: 'recover-user';
      readonly username: string;
      readonly enable: boolean;
      readonly resetFactors: boolean;
      readonly claimedBy: string | undefined;
    }
  | { readonly kind: 'copy-database'; readonly keys: 'included' | 'left-out'; readonly claimedBy: string | undefined };

/** What happened while no gateway could write it to the audit log. */
export interface ControlNote {
  readonly action: 'backup.created' | 'backup.restored';
  readonly at: number;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
}

const VERSION = 1;
/** Clocks are set back now and then, and a request that is valid for long is a request that somebody kept. */
const LONGEST_LIFE_MS = 60 * 60_000;
const MOST_DETAILS = 20;
const LONGEST_TEXT = 200;

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own words would quote the file.
    throw new Error('it is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it holds no object');
  const fields = value as Fields;
  if (fields['version'] !== VERSION) throw new Error(`its version must be ${VERSION}`);
  return fields;
}

function shortText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_TEXT ? value : undefined;
}

/** @throws Error saying what is wrong */
export function parseRequest(text: string, { id, now }: { readonly id: string; readonly now: number }): ControlRequest {
  const fields = parse(text);
  if (fields['id'] !== id) throw new Error('its id is not its name');
  const { expiresAt, kind } = fields;
  if (typeof expiresAt !== 'number' || expiresAt <= now) throw new Error('it has expired');
  if (expiresAt > now + LONGEST_LIFE_MS) throw new Error('it is valid for too long');
  const claimedBy = shortText(fields['claimedBy']);
  switch (kind) {
    case 'recover-user': {
      const username = shortText(fields['username']);
      if (username === undefined) throw new Error('it names nobody');
      return {
        kind,
        username,
        enable: fields['enable'] === true,
        resetFactors: fields['resetFactors'] === true,
        claimedBy,
      };
    }
    case 'copy-database':
      return { kind, keys: fields['keys'] === 'included' ? 'included' : 'left-out', claimedBy };
    default:
      throw new Error('its kind is not known to this version; command line and gateway must be of the same version');
  }
}

/** @throws Error saying what is wrong */
export function parseNote(text: string): ControlNote {
  const { action, at, detail } = parse(text);
  if (action !== 'backup.created' && action !== 'backup.restored') throw new Error('its action is not known');
  if (typeof at !== 'number' || !Number.isSafeInteger(at)) throw new Error('it has no time');
  const plain = Object.entries(typeof detail === 'object' && detail !== null ? detail : {}).filter(
    (entry): entry is [string, string | number | boolean] =>
      /^[A-Za-z]{1,40}$/u.test(entry[0]) &&
      (typeof entry[1] === 'number' || typeof entry[1] === 'boolean' || shortText(entry[1]) !== undefined),
  );
  return { action, at, detail: Object.fromEntries(plain.slice(0, MOST_DETAILS)) };
}
