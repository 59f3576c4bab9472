import { Text } from '@mantine/core';
import { IconCheck, IconCircleDashed, IconLoader2, IconX, type Icon } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useText } from '../i18n/text.tsx';
import { failedStep, stepStates, type SessionView, type StepState } from './session-view.ts';

const ICONS: Readonly<Record<StepState, Icon>> = {
  done: IconCheck,
  now: IconLoader2,
  failed: IconX,
  ahead: IconCircleDashed,
};
const SHOWN_AFTER_MS = 300;

/** The way to the machine, step by step; shown while it opens once that takes longer than a blink. */
export function ConnectionPath(props: { readonly view: SessionView; readonly title: string }) {
  const text = useText();
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), SHOWN_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <div className="session-cover">
      <section className="panel path-panel" aria-label={text('path.title', { name: props.title })}>
        <Text fw={600}>{text('path.title', { name: props.title })}</Text>
        {props.view.hop !== undefined && props.view.hop !== props.title && (
          <Text size="sm" c="dimmed">
            {text('path.hop', { name: props.view.hop })}
          </Text>
        )}
        <PathSteps view={props.view} />
      </section>
    </div>
  );
}

export function PathSteps(props: { readonly view: SessionView }) {
  const text = useText();
  return (
    <ol className="path">
      {stepStates(props.view.step, failedStep(props.view)).map(([step, state]) => {
        const StateIcon = ICONS[state];
        return (
          <li key={step} data-state={state} aria-current={state === 'now' || state === 'failed' ? 'step' : undefined}>
            <StateIcon size={16} aria-hidden className={state === 'now' ? 'turning' : undefined} />
            <span>{text(`step.${step}`)}</span>
            <span className="visually-hidden">{text(`step-state.${state}`)}</span>
          </li>
        );
      })}
    </ol>
  );
}
