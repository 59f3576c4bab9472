import { type DiscoveryPreview, unlistedIn, wholePreview } from '@enchilada/contract';
import { table } from '../frame/table.ts';
import { OMITTED } from './explain.ts';
import { accountOf, commandLine } from './find.ts';

const scopesOf = (number: number): string => (number === 1 ? '1 account and region' : `${number} accounts and regions`);

/** Looks at a whole source, and says how far it is where that takes more than one step. */
export async function planOf(
  ask: Parameters<typeof wholePreview>[0],
  note: (text: string) => void,
): Promise<DiscoveryPreview> {
  let whole: DiscoveryPreview | undefined;
  for await (const step of wholePreview(ask)) {
    whole = step;
    if (step.rest.length > 0) note(`${step.scopes} of ${scopesOf(step.scopes + step.rest.length)} looked at …`);
  }
  if (whole === undefined) throw new Error('a preview has one step at least');
  return whole;
}

/** How the source and its accounts are called. */
interface Names {
  readonly source: string;
  readonly accounts: ReadonlyMap<string, string>;
}

export function planLines(preview: DiscoveryPreview, { source, accounts }: Names): readonly string[] {
  const { machines, scopes, failures } = preview;
  const shown = machines.filter(({ effect }) => effect !== 'stays');
  const rows = shown.map((one) => [
    ...[one.effect, one.name, one.accountName === '' ? one.account : one.accountName, one.region],
    ...[one.group, one.protocol, one.host],
    one.omitted === undefined ? '' : OMITTED[one.omitted],
    [...new Set(one.trace.map(({ rule }) => rule))].join(', '),
  ]);
  const heads = ['effect', 'name', 'account', 'region', 'group', 'protocol', 'address', 'left out because', 'rules'];
  // Those that stay are never listed here.
  const more = unlistedIn(preview) - (preview.stays - (machines.length - shown.length));
  return [
    ...(shown.length === 0 ? [] : [...table(heads, rows)]),
    ...(more > 0 ? [`… and ${more} more that are counted and not listed.`] : []),
    ...(shown.length === 0 ? [] : ['']),
    `${preview.appears} appear, ${preview.changes} change, ${preview.goes} go, ${preview.leftOut} are left out, ${preview.stays} stay. Nothing was written.`,
    `Looked at ${scopesOf(scopes)}${failures.length === 0 ? '.' : '. Not counted, because it could not be read:'}`,
    ...failures.map(
      ({ account, region, code, detail }) =>
        `${accountOf({ account, accountName: accounts.get(account) ?? '' })} ${region}: ${code}: ${detail}`,
    ),
    ...(failures.some(({ code }) => code === 'DISCOVERY_DENIED')
      ? [`What roles and queues need: ${commandLine('discovery', 'onboarding', source)}`]
      : []),
  ];
}
