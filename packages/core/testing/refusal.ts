import assert from 'node:assert/strict';
import { isFault, type FaultCode } from '@enchilada/core/fault';

/** In which words what must not be taken was refused. */
export function refusal(act: () => unknown, code: FaultCode = 'TARGET_PROTOCOL_VIOLATION'): string {
  try {
    act();
  } catch (failure) {
    assert.ok(isFault(failure, code), String(failure));
    return failure.message;
  }
  return assert.fail('it was taken');
}
