import { Alert, Button } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';
import type { Source } from './source.ts';

/** Of those with the same trouble. */
const SHOWN_ACCOUNTS = 3;

/** What somebody has to look at: what is wrong with sources, and removals that wait. */
export function SourceNotices(props: {
  readonly sources: readonly Source[];
  readonly onLook: (source: Source) => void;
}) {
  const { sources, onLook } = props;
  return (
    <>
      {sources.flatMap((source) =>
        byPart(source.troubles).map((troubles) => (
          <Troubles {...{ source, troubles }} key={`${source.id} ${troubles[0].part}`} />
        )),
      )}
      {sources
        .filter(({ heldScopes }) => heldScopes > 0)
        .map((source) => (
          <Held key={source.id} name={source.name} onLook={() => onLook(source)} />
        ))}
    </>
  );
}

function Held(props: { readonly name: string; readonly onLook: () => void }) {
  const text = useText();
  return (
    <Alert
      color="yellow"
      mb="md"
      icon={<IconAlertTriangle size={18} aria-hidden />}
      title={text('sources.held-title', { name: props.name })}
    >
      {text('sources.held-body')}
      <div>
        <Button size="xs" mt="xs" variant="default" onClick={props.onLook}>
          {text('sources.held-look')}
        </Button>
      </div>
    </Alert>
  );
}

type Trouble = Source['troubles'][number];
type SameTroubles = readonly [Trouble, ...Trouble[]];

/** An organisation of many accounts has one notice of what is wrong with all of them, not one of each. */
function byPart(troubles: readonly Trouble[]): readonly SameTroubles[] {
  const parts = new Map<string, [Trouble, ...Trouble[]]>();
  for (const trouble of troubles) {
    const same = parts.get(trouble.part);
    if (same === undefined) parts.set(trouble.part, [trouble]);
    else same.push(trouble);
  }
  return [...parts.values()];
}

/** What no account and region shows: it is of the source as a whole, or of its accounts. */
function Troubles(props: { readonly source: Source; readonly troubles: SameTroubles }) {
  const text = useText();
  const { source, troubles } = props;
  const [{ part, account }] = troubles;
  const { name } = source;
  const title =
    part === 'regions' || part === 'trust' || part === 'networks'
      ? text.count(`trouble.${part}`, troubles.length, { name, account })
      : text(`trouble.${part}`, { name });
  const shown = troubles.slice(0, SHOWN_ACCOUNTS);
  return (
    <Alert color="red" mb="md" icon={<IconAlertTriangle size={18} aria-hidden />} title={title}>
      <div>{text(`trouble.${part}-next`)}</div>
      {shown.map(({ account: one, since, detail }) => (
        <div className="trouble" key={one}>
          {printable(detail)}{' '}
          <span className="sub">{text('sources.trouble-since', { time: text.dateTime(since) })}</span>
        </div>
      ))}
      {troubles.length > shown.length && (
        <div className="sub">{text.count('sources.trouble-more', troubles.length - shown.length)}</div>
      )}
    </Alert>
  );
}
