import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { INPUT_RECORDING } from '../discovery/index.ts';
import { isRecordExempt } from './record-exemption.ts';

test('nobody goes unrecorded without a grant, nor where a rule keeps the input to a machine', () => {
  const machine = (labels: Readonly<Record<string, string>>) =>
    testTarget({ id: 'tgt_1', protocol: 'ssh', host: 'a', port: 22, labels });
  const may = (labels: Readonly<Record<string, string>>) =>
    isRecordExempt({ target: machine(labels), actions: new Set(['connect', 'record-exempt'] as const) });
  assert.equal(isRecordExempt(testLeave(machine({}))), false);
  assert.deepEqual(
    [
      may({}),
      may({ [INPUT_RECORDING]: 'off' }),
      may({ [INPUT_RECORDING]: 'length' }),
      may({ [INPUT_RECORDING]: 'echoed' }),
    ],
    [true, true, false, false],
  );
});
