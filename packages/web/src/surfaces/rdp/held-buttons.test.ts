import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HeldButtons } from './held-buttons.ts';

const NOTHING = { pressed: [], released: [] };
const MOUSE = { pointerId: 1 };

describe('buttons of a pointer', () => {
  it('are told one by one where several are down at once', () => {
    const held = new HeldButtons();
    assert.deepEqual(held.down({ ...MOUSE, buttons: 1 }), { pressed: [0], released: [] });
    assert.deepEqual(held.changed({ ...MOUSE, buttons: 3 }), { pressed: [2], released: [] });
    assert.deepEqual(held.changed({ ...MOUSE, buttons: 3 }), NOTHING);
    assert.deepEqual(held.changed({ ...MOUSE, buttons: 2 }), { pressed: [], released: [0] });
    assert.deepEqual(held.changed({ ...MOUSE, buttons: 0 }), { pressed: [], released: [2] });
  });

  it('have the numbers that the machine is told, all five of them and no others', () => {
    assert.deepEqual(new HeldButtons().down({ ...MOUSE, buttons: 4 }).pressed, [1]);
    assert.deepEqual(new HeldButtons().down({ ...MOUSE, buttons: 8 }).pressed, [3]);
    assert.deepEqual(new HeldButtons().down({ ...MOUSE, buttons: 16 }).pressed, [4]);
    assert.deepEqual(new HeldButtons().down({ ...MOUSE, buttons: 32 }).pressed, []);
  });

  it('change in one message where they do in one event', () => {
    const held = new HeldButtons();
    held.down({ ...MOUSE, buttons: 1 });
    assert.deepEqual(held.changed({ ...MOUSE, buttons: 2 }), { pressed: [2], released: [0] });
  });

  it('are not pressed by a pointer that came down elsewhere, nor once all were said to be up', () => {
    const held = new HeldButtons();
    assert.deepEqual(held.changed({ ...MOUSE, buttons: 1 }), NOTHING);
    held.down({ ...MOUSE, buttons: 1 });
    held.clear();
    assert.deepEqual(held.changed({ ...MOUSE, buttons: 1 }), NOTHING);
    assert.deepEqual(held.changed({ ...MOUSE, buttons: 0 }), NOTHING);
    assert.deepEqual(held.down({ ...MOUSE, buttons: 1 }), { pressed: [0], released: [] });
  });

  it('are held by each pointer for itself', () => {
    const held = new HeldButtons();
    held.down({ pointerId: 1, buttons: 1 });
    assert.deepEqual(held.down({ pointerId: 2, buttons: 2 }).pressed, [2]);
    assert.deepEqual(held.changed({ pointerId: 1, buttons: 0 }).released, [0]);
    assert.deepEqual(held.changed({ pointerId: 2, buttons: 0 }).released, [2]);
  });
});
