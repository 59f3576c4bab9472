import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WheelNotches } from './wheel-notches.ts';

describe('notches of a wheel', () => {
  it('collect small movements, and lose none of them', () => {
    const wheel = new WheelNotches(50);
    const turns = Array.from({ length: 40 }, () => wheel.add({ x: 0, y: 4 }).y);
    assert.equal(
      turns.reduce((sum, one) => sum + one),
      3,
    );
    assert.ok(turns.every((one) => one === 0 || one === 1));
    assert.deepEqual(wheel.add({ x: 0, y: 40 }), { x: 0, y: 1 });
  });

  it('are several for a large movement', () => {
    assert.deepEqual(new WheelNotches(100).add({ x: -250, y: 320 }), { x: -2, y: 3 });
  });

  it('begin anew where the movement turns back, and where they are told to', () => {
    const wheel = new WheelNotches(50);
    wheel.add({ x: 0, y: 45 });
    assert.deepEqual(wheel.add({ x: 0, y: -45 }), { x: 0, y: 0 });
    assert.deepEqual(wheel.add({ x: 0, y: -5 }), { x: 0, y: -1 });
    wheel.add({ x: 0, y: -45 });
    wheel.reset();
    assert.deepEqual(wheel.add({ x: 0, y: -45 }), { x: 0, y: 0 });
  });
});
