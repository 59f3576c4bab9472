import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessRequest } from './request.ts';
import { requestAsOf } from './past-request.ts';

function request(fields: Partial<AccessRequest>): AccessRequest {
  return {
    ...{ id: 'req_1', userId: 'usr_1', username: 'a', grantId: 'gra_1', scope: { kind: 'target', id: 'tgt_1' } },
    ...{ scopeName: 'm', actions: ['connect'], from: 10, until: 90, reason: 'x', sessions: 1, breakGlass: false },
    ...{ hash: 'h', state: 'pending', uses: 1, createdAt: 10, decidedAt: undefined, decisions: [] },
    ...fields,
  };
}

test('a request counts from when it was approved, and until it was taken back', () => {
  const decisions = [{ userId: 'usr_2', username: 'b', verdict: 'approve', words: '', hash: 'h', at: 20 } as const];
  const approved = request({ state: 'approved', decidedAt: 20, decisions });
  assert.deepEqual(
    [9, 19, 20, 80].map((time) => requestAsOf(approved, time)?.decisions.length),
    [undefined, undefined, 1, 1],
  );
  for (const state of ['cancelled', 'denied'] as const) {
    const ended = request({ state, decidedAt: 50, decisions });
    assert.deepEqual(
      [9, 15, 20, 49, 50].map((time) => requestAsOf(ended, time)?.decisions.length),
      [undefined, 0, 1, 1, undefined],
    );
    assert.equal(requestAsOf(ended, 49)?.state, 'approved', 'passOf asks for the approvals');
  }
  assert.equal(requestAsOf(request({ decisions }), 30), undefined, 'nobody found it complete');
  assert.equal(requestAsOf(request({ state: 'approved', breakGlass: true, decidedAt: 10 }), 10)?.state, 'approved');
});
