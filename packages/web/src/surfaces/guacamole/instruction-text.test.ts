import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeInstruction, InstructionReader } from './instruction-text.ts';

test('what is encoded is read again, however it is cut, whatever characters it has', () => {
  const word = fc.string({
    unit: fc.oneof(fc.constantFrom(';', ',', '.', '😀', 'é', '1'), fc.string({ minLength: 1, maxLength: 1 })),
  });
  fc.assert(
    fc.property(fc.array(fc.array(word, { minLength: 1, maxLength: 5 }), { maxLength: 5 }), fc.nat(20), (said, cut) => {
      const heard: string[][] = [];
      const reader = new InstructionReader((opcode, words) => heard.push([opcode, ...words]));
      const bytes = said.flatMap((elements) => [...encodeInstruction(elements)]);
      const step = cut + 1;
      for (let at = 0; at < bytes.length; at += step) reader.push(Uint8Array.from(bytes.slice(at, at + step)));
      assert.deepEqual(heard, said);
    }),
  );
});
