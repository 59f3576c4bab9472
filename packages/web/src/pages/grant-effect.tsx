import { Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { useText } from '../i18n/text.tsx';

type Change = Parameters<typeof api<'previewGrant'>>[1]['body'];

const PAUSE_MS = 300;
const NAMES_SHOWN = 5;

/** Who gains and who loses what, before it is so. */
export function EffectOfGrant(props: { readonly change: Change }) {
  const text = useText();
  const [asked] = useDebouncedValue(JSON.stringify(props.change), PAUSE_MS);
  const effect = useQuery({
    queryKey: ['grant-effect', asked],
    queryFn: ({ signal }) => api('previewGrant', { body: JSON.parse(asked) as Change }, { signal }),
    retry: false,
    // What was true a moment ago is not what will be saved.
    gcTime: 0,
  });
  const found = effect.data;
  // It has its room before there is an answer: a button that moves away from under the pointer is not pressed.
  if (found === undefined)
    return (
      <div role="status" aria-busy={!effect.isError} className="grant-effect">
        <Text size="sm" c="dimmed">
          {text(effect.isError ? 'grants.effect-unknown' : 'grants.effect-asked')}
        </Text>
      </div>
    );
  const sides = (['gain', 'lose'] as const).filter((side) => found[side].people > 0);
  const names = found.machines.slice(0, NAMES_SHOWN).join(', ');
  return (
    <div role="status" className="grant-effect">
      {sides.length === 0 && (
        <Text size="sm" c="dimmed">
          {text(found.conditional ? 'grants.effect-conditional' : 'grants.effect-none')}
        </Text>
      )}
      {sides.map((side) => (
        <Text key={side} size="sm" fw={600}>
          {text(`grants.effect-${side}`, {
            people: text.count('grants.effect-people', found[side].people),
            machines: text.count('grants.effect-machines', found[side].machines),
          })}
        </Text>
      ))}
      {names !== '' && (
        <Text size="xs" c="dimmed">
          {found.machines.length > NAMES_SHOWN ? `${names}, …` : names}
        </Text>
      )}
    </div>
  );
}
