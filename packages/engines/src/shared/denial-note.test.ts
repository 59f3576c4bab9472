import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeatEvent } from '@enchilada/core/engine';
import { DenialNote } from './denial-note.ts';

test('what is denied is told once for each kind, direction and viewer in control, however often it is tried', () => {
  for (const mode of ['control', 'watch'] as const) {
    const told: SeatEvent[] = [];
    const denials = new DenialNote({ mode, noted: (event) => told.push(event) });
    for (let times = 0; times < 1_000; times++)
      for (const type of ['clipboard-denied', 'file-denied'] as const)
        for (const direction of ['upload', 'download'] as const) denials.denied(type, direction);
    assert.deepEqual(
      told.map((event) => ('direction' in event ? `${event.type} ${event.direction}` : event.type)),
      mode === 'watch'
        ? []
        : ['clipboard-denied upload', 'clipboard-denied download', 'file-denied upload', 'file-denied download'],
    );
  }
});
