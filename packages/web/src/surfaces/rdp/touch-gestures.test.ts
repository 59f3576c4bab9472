import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { TouchGestures, type Point } from './touch-gestures.ts';

function recorded() {
  const seen: string[] = [];
  const point = ({ x, y }: Point): string => `${Math.round(x)},${Math.round(y)}`;
  const gestures = new TouchGestures({
    onTap: (at) => seen.push(`tap ${point(at)}`),
    onLongPress: (at) => seen.push(`press ${point(at)}`),
    onDrag: (phase, at) => seen.push(`${phase} ${point(at)}`),
    onScroll: (by) => seen.push(`scroll ${point(by)}`),
    onPinch: (factor, at) => seen.push(`pinch ${factor.toFixed(2)} at ${point(at)}`),
  });
  return { seen, gestures };
}

describe('fingers on a desktop', () => {
  it('tap, also with a little shake', () => {
    const { seen, gestures } = recorded();
    gestures.down(1, { x: 10, y: 20 });
    gestures.move(1, { x: 13, y: 22 });
    gestures.up(1, { x: 13, y: 22 });
    assert.deepEqual(seen, ['tap 10,20']);
  });

  it('drag from where they came down', () => {
    const { seen, gestures } = recorded();
    gestures.down(1, { x: 10, y: 10 });
    gestures.move(1, { x: 40, y: 10 });
    gestures.move(1, { x: 60, y: 30 });
    gestures.up(1, { x: 60, y: 30 });
    assert.deepEqual(seen, ['begin 10,10', 'move 40,10', 'move 60,30', 'end 60,30']);
  });

  it('press the other button when they rest', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { seen, gestures } = recorded();
      gestures.down(1, { x: 5, y: 5 });
      mock.timers.tick(700);
      gestures.up(1, { x: 5, y: 5 });
      assert.deepEqual(seen, ['press 5,5']);
    } finally {
      mock.timers.reset();
    }
  });

  it('scroll when two move alike, and click nothing', () => {
    const { seen, gestures } = recorded();
    gestures.down(1, { x: 10, y: 10 });
    gestures.down(2, { x: 50, y: 10 });
    for (const y of [25, 40]) {
      gestures.move(1, { x: 10, y });
      gestures.move(2, { x: 50, y });
    }
    gestures.up(1, { x: 10, y: 40 });
    gestures.up(2, { x: 50, y: 40 });
    assert.ok(seen.length > 0 && seen.every((words) => words.startsWith('scroll 0,')), seen.join());
  });

  it('pinch around their middle', () => {
    const { seen, gestures } = recorded();
    gestures.down(1, { x: 40, y: 50 });
    gestures.down(2, { x: 60, y: 50 });
    gestures.move(1, { x: 20, y: 50 });
    gestures.move(2, { x: 100, y: 50 });
    gestures.up(2, { x: 100, y: 50 });
    gestures.up(1, { x: 20, y: 50 });
    assert.deepEqual(seen, ['pinch 4.00 at 60,50']);
  });
});
