import { useMemo, useRef, type KeyboardEvent, type PointerEvent } from 'react';
import { useText } from '../i18n/text.tsx';
import { clockText } from './playback-clock.ts';
import type { Mark } from './marks.ts';

export interface TimelineProps {
  readonly activity: readonly number[];
  readonly marks: readonly Mark[];
  readonly positionMs: number;
  readonly durationMs: number;
  readonly onSeek: (toMs: number) => void;
}

/** Activity, marks and the position; a slider for the keyboard and for screen readers. */
export function Timeline(props: TimelineProps) {
  const text = useText();
  const track = useRef<HTMLDivElement>(null);
  const { activity, marks, durationMs, positionMs } = props;
  const share = durationMs === 0 ? 0 : positionMs / durationMs;
  const seekTo = (event: PointerEvent<HTMLDivElement>): void => {
    const box = track.current?.getBoundingClientRect();
    if (box !== undefined && box.width > 0) props.onSeek(((event.clientX - box.left) / box.width) * durationMs);
  };
  const onKey = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: 5000,
      ArrowLeft: -5000,
      PageUp: 60_000,
      PageDown: -60_000,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    props.onSeek(Math.max(0, Math.min(durationMs, positionMs + step)));
  };
  const path = useMemo(
    () =>
      activity
        .map((value, index) => (value === 0 ? '' : `M${index + 0.5} 100V${100 - Math.max(6, value * 100)}`))
        .join(''),
    [activity],
  );
  return (
    <div className="timeline" dir="ltr">
      <div
        ref={track}
        className="timeline-track"
        role="slider"
        tabIndex={0}
        aria-label={text('player.position')}
        aria-valuemin={0}
        aria-valuemax={Math.round(durationMs / 1000)}
        aria-valuenow={Math.round(positionMs / 1000)}
        aria-valuetext={text('player.of', { at: clockText(positionMs), all: clockText(durationMs) })}
        onKeyDown={onKey}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          seekTo(event);
        }}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) seekTo(event);
        }}
      >
        <svg className="timeline-activity" viewBox="0 0 240 100" preserveAspectRatio="none" aria-hidden>
          <path d={path} vectorEffect="non-scaling-stroke" />
        </svg>
        <div className="timeline-past" style={{ width: `${share * 100}%` }} />
        <div className="timeline-head" style={{ left: `${share * 100}%` }} />
      </div>
      <div className="timeline-marks" aria-hidden>
        {marks.map((mark, index) => (
          <span
            key={index}
            data-kind={mark.kind}
            style={{ left: `${(mark.atMs / Math.max(1, durationMs)) * 100}%` }}
            title={`${text(`mark.${mark.kind}`)} ${mark.label} ${clockText(mark.atMs)}`}
          />
        ))}
      </div>
    </div>
  );
}
