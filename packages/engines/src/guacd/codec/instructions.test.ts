import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import type { KeyStroke } from '@enchilada/core/recording';
import {
  encodeInstruction,
  faultOfError,
  FromGuacd,
  FromViewer,
  InstructionDecoder,
  MOST_INSTRUCTION_BYTES,
  withTokens,
} from './index.ts';

const decoder = () => new InstructionDecoder('TARGET_PROTOCOL_VIOLATION');
const word = fc.string({
  unit: fc.oneof(
    fc.constantFrom(';', ',', '.', '0', '9', 'é', '语', '😀', '𝄞'),
    fc.string({ minLength: 1, maxLength: 1 }),
  ),
  maxLength: 20,
});
const instructions = fc.array(fc.array(word, { minLength: 1, maxLength: 6 }), { maxLength: 6 });
const joined = (said: readonly (readonly string[])[]): Buffer =>
  Buffer.concat(said.map(([opcode = '', ...words]) => encodeInstruction(opcode, ...words)));

describe('the codec of instructions', () => {
  it('reads what it writes, however it is cut, and gives the very bytes (T27)', () => {
    fc.assert(
      fc.property(instructions, fc.integer({ min: 1, max: 40 }), (said, step) => {
        const bytes = joined(said);
        const reader = decoder();
        const heard = [];
        const passed: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += step)
          for (const { opcode, arguments: words, bytes: own } of reader.push(bytes.subarray(at, at + step))) {
            heard.push([opcode, ...words]);
            passed.push(Buffer.from(own));
          }
        assert.deepEqual(heard, said);
        assert.deepEqual(Buffer.concat(passed), bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it('counts code points: a word cannot become an instruction of its own, whatever it holds', () => {
    assert.equal(Buffer.from(encodeInstruction('name', '😀;4.exit;')).toString(), '4.name,9.😀;4.exit;;');
    for (const lone of ['\ud800', 'a\udc00b', '\udfff;5.hello;']) {
      const [one, ...more] = decoder().push(encodeInstruction('name', lone));
      assert.deepEqual(more, []);
      assert.equal(one?.arguments.length, 1);
      assert.doesNotMatch(one.arguments[0] ?? '', /\p{Surrogate}/u);
    }
  });

  it('takes noise for a breach and never for an instruction that was not there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        try {
          for (const { bytes } of decoder().push(noise)) assert.equal(bytes.at(-1), 0x3b);
        } catch (failure) {
          assert.ok(isFault(failure, 'TARGET_PROTOCOL_VIOLATION'));
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('keeps no more than one instruction of 8 KiB', () => {
    const longest = encodeInstruction('blob', '1', 'x'.repeat(MOST_INSTRUCTION_BYTES - 17));
    assert.equal(decoder().push(longest).length, 1);
    const cases = [
      encodeInstruction('blob', 'x'.repeat(MOST_INSTRUCTION_BYTES)),
      encodeInstruction('blob', '😀'.repeat(MOST_INSTRUCTION_BYTES / 2)),
      Buffer.from('99999.'),
      Buffer.from('123456789.'),
      Buffer.from('.x;'),
      Buffer.from('-1.x;'),
      Buffer.from('1.xx;'),
      Buffer.from(`${'0.,'.repeat(200)}0.;`),
      Buffer.concat([Buffer.from('2.'), Buffer.of(0xff, 0xfe), Buffer.from(';')]),
    ];
    for (const bytes of cases)
      assert.throws(
        () => decoder().push(bytes),
        { code: 'TARGET_PROTOCOL_VIOLATION' },
        Buffer.from(bytes).toString().slice(0, 30),
      );
  });
});

const silent = () => ({ piece: () => undefined, done: () => undefined });

/** Notes what passes in each stream of a clipboard, once it is over. */
function noting() {
  const noted: string[] = [];
  const clipboard = () => {
    let text = '';
    return {
      piece: (base64: string) => void (text += Buffer.from(base64, 'base64').toString()),
      done: () => void noted.push(text),
    };
  };
  return { noted, clipboard };
}
const overlapping = [
  ['clipboard', '0', 'text/plain'],
  ['clipboard', '1', 'text/plain'],
  ['blob', '1', 'b25l'],
  ['end', '1'],
  ['blob', '0', 'c2VjcmV0'],
];

const unheard = { clipboard: silent, denied: () => undefined, active: () => undefined, key: () => undefined };

describe('what a viewer may say', () => {
  const opcodes = [
    'key',
    'mouse',
    'touch',
    'size',
    'clipboard',
    'blob',
    'end',
    'file',
    'put',
    'pipe',
    'audio',
    'argv',
    'disconnect',
    'sync',
    'nop',
    'ack',
  ];

  it('is sync, nop and ack where it may not control, whatever it says', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...opcodes), fc.constantFrom('0', '1'), word)), (said) => {
        const fail = () => assert.fail('active');
        const viewer = new FromViewer(
          { control: false, paste: true, resize: true },
          { ...unheard, active: fail, key: fail },
        );
        const passed = viewer.push(joined(said)).flatMap((bytes) => decoder().push(bytes));
        for (const { opcode } of passed) assert.ok(['sync', 'nop', 'ack'].includes(opcode));
      }),
    );
  });

  it('brings a clipboard only where pasting is allowed, and never a file', () => {
    const paste = joined([
      ['clipboard', '0', 'text/plain'],
      ['blob', '0', 'aGk='],
      ['end', '0'],
    ]);
    const file = joined([
      ['file', '1', 'a/b', 'x'],
      ['blob', '1', 'aGk='],
      ['end', '1'],
    ]);
    const viewer = (allowed: boolean) => new FromViewer({ control: true, paste: allowed, resize: true }, unheard);
    assert.equal(viewer(true).push(paste).length, 3);
    assert.equal(viewer(false).push(paste).length, 0);
    assert.equal(viewer(true).push(file).length, 0);
    assert.throws(() => viewer(true).push(joined([['select', 'ssh']])), { code: 'PROTOCOL_MESSAGE_INVALID' });
  });

  it('is told of each clipboard that is withheld, and of nothing else', () => {
    const deniedTo = (rights: { readonly control: boolean; readonly paste: boolean }): number => {
      let denied = 0;
      const viewer = new FromViewer({ ...rights, resize: true }, { ...unheard, denied: () => denied++ });
      viewer.push(joined([...overlapping, ['file', '2', 'a/b', 'x'], ['blob', '2', 'aGk='], ['mouse', '1', '1', '0']]));
      return denied;
    };
    assert.equal(deniedTo({ control: true, paste: false }), 2);
    assert.equal(deniedTo({ control: false, paste: false }), 2);
    assert.equal(deniedTo({ control: true, paste: true }), 0);
  });

  it('is told of each clipboard, however they overlap, and of one that never ends', () => {
    const { noted, clipboard } = noting();
    const viewer = new FromViewer({ control: true, paste: true, resize: true }, { ...unheard, clipboard });
    assert.equal(viewer.push(joined(overlapping)).length, 5);
    assert.deepEqual(noted, ['one']);
    viewer.push(joined([['clipboard', '0', 'text/plain']]));
    assert.deepEqual(noted, ['one', 'secret'], 'its number was taken by another');
    viewer.push(joined([['blob', '0', 'dHdv']]));
    viewer.end();
    assert.deepEqual(noted, ['one', 'secret', 'two']);
  });
});

describe('the keys of a viewer', () => {
  it('are told as they pass, and one that cannot be told does not pass', () => {
    const strokes: KeyStroke[] = [];
    const viewer = () =>
      new FromViewer(
        { control: true, paste: false, resize: false },
        { ...unheard, key: (stroke) => strokes.push(stroke) },
      );
    const passed = viewer().push(
      joined([
        ['key', '122', '1'],
        ['key', '122', '0'],
      ]),
    );
    assert.equal(passed.length, 2);
    assert.deepEqual(strokes, [
      { code: 'keysym', value: 122, isDown: true },
      { code: 'keysym', value: 122, isDown: false },
    ]);
    for (const odd of [
      ['key'],
      ['key', ' 122', '1'],
      ['key', '122', '2'],
      ['key', '0x7a', '1'],
      ['key', '4294967296', '1'],
    ])
      assert.throws(() => viewer().push(joined([odd])), { code: 'PROTOCOL_MESSAGE_INVALID' });
  });
});

const unseen = { clipboard: silent, denied: () => undefined };

describe('what guacd may show', () => {
  const through = (copy: boolean, said: readonly (readonly string[])[]): string => {
    const ended: (readonly string[] | undefined)[] = [];
    const guacd = new FromGuacd({ copy }, { ...unseen, ended: (words) => ended.push(words) });
    const shown = guacd.pass(decoder().push(joined(said))).map(({ bytes }) => bytes);
    return Buffer.concat(shown).toString() + (ended.length > 0 ? '|ended' : '');
  };

  it('is no clipboard where copying is not allowed, and the picture around it stays', () => {
    const said = [
      ['img', '1', '14', '0', 'image/png', '0', '0'],
      ['clipboard', '2', 'text/plain'],
      ['blob', '1', 'AAAA'],
      ['blob', '2', 'c2VjcmV0'],
      ['end', '2'],
      ['end', '1'],
    ];
    assert.ok(through(true, said).includes('c2VjcmV0'));
    const without = through(false, said);
    assert.ok(!without.includes('c2VjcmV0') && without.includes('AAAA') && without.endsWith('3.end,1.1;'));
  });

  it('is told of each clipboard that is withheld, and of nothing else', () => {
    for (const copy of [false, true]) {
      let denied = 0;
      const guacd = new FromGuacd({ copy }, { ...unseen, denied: () => denied++, ended: () => assert.fail('ended') });
      guacd.pass(decoder().push(joined([...overlapping, ['file', '2', 'text/plain', 'x'], ['sync', '1']])));
      assert.equal(denied, copy ? 0 : 2);
    }
  });

  it('is told of each clipboard, however they overlap, and of one that never ends', () => {
    const { noted, clipboard } = noting();
    const guacd = new FromGuacd({ copy: true }, { ...unseen, clipboard, ended: () => assert.fail('ended') });
    guacd.pass(decoder().push(joined(overlapping)));
    guacd.pass(decoder().push(joined([['img', '0', '14', '0', 'image/png', '0', '0']])));
    assert.deepEqual(noted, ['one', 'secret'], 'its number was taken by a picture');
    guacd.pass(decoder().push(joined(overlapping.slice(0, 1))));
    guacd.end();
    assert.deepEqual(noted, ['one', 'secret', '']);
  });

  it('is a clipboard beside the picture, and nothing else with it', () => {
    const guacd = new FromGuacd({ copy: true }, { ...unseen, ended: () => assert.fail('ended') });
    const said = [
      ['rect', '0', '0', '0', '8', '8'],
      ['clipboard', '2', 'text/plain'],
      ['blob', '2', 'c2VjcmV0'],
      ['img', '1', '14', '0', 'image/png', '0', '0'],
      ['blob', '1', 'AAAA'],
      ['end', '2'],
      ['end', '1'],
    ];
    const pieces = guacd.pass(decoder().push(joined(said)));
    assert.deepEqual(
      pieces.map(({ bytes, isCopied }) => [
        isCopied,
        ...decoder()
          .push(bytes)
          .map(({ opcode }) => opcode),
      ]),
      [
        [false, 'rect'],
        [true, 'clipboard', 'blob'],
        [false, 'img', 'blob'],
        [true, 'end'],
        [false, 'end'],
      ],
    );
  });

  it('belongs to a frame until its sync, and sound to none', () => {
    const guacd = new FromGuacd({ copy: true }, { ...unseen, ended: () => assert.fail('ended') });
    const isInFrame = (...said: readonly (readonly string[])[]): boolean => {
      guacd.pass(decoder().push(joined(said)));
      return guacd.isInFrame;
    };
    assert.ok(isInFrame(['img', '1', '14', '0', 'image/png', '0', '0'], ['blob', '1', 'AAAA']));
    assert.ok(isInFrame(['end', '1'], ['rect', '0', '0', '0', '8', '8']));
    assert.ok(!isInFrame(['cfill', '14', '0', '0', '0', '0', '255'], ['sync', '1']));
    assert.ok(!isInFrame(['audio', '1', 'audio/L16;rate=44100,channels=2']));
    assert.ok(!isInFrame(['copy', '0', '0', '0', '8', '8', '14', '0', '8', '8'], ['blob', '1', 'AAAA']));
    assert.ok(!isInFrame(['nop']));
    assert.ok(!isInFrame(['something', 'new']), 'what is not known waits for nothing');
  });

  it('has no more streams than guacd can have', () => {
    for (const opcode of ['img', 'clipboard', 'file']) {
      const guacd = new FromGuacd({ copy: true }, { ...unseen, ended: () => assert.fail('ended') });
      const many = Array.from({ length: 65 }, (_, stream) => [opcode, String(stream)]);
      guacd.pass(decoder().push(joined(many.slice(1))));
      assert.throws(() => guacd.pass(decoder().push(joined(many))), { code: 'TARGET_PROTOCOL_VIOLATION' }, opcode);
    }
  });

  it('ends with error and disconnect, which no viewer is sent', () => {
    assert.equal(
      through(true, [
        ['sync', '1'],
        ['error', 'Aborted', '519'],
      ]),
      '4.sync,1.1;|ended',
    );
    assert.equal(faultOfError(['See logs', '769']).code, 'CREDENTIAL_REFUSED');
    assert.equal(faultOfError(['x', 'nonsense']).code, 'TARGET_DISCONNECTED');
  });
});

describe('tokens', () => {
  it('are filled in as Guacamole does, and what is not known stays', () => {
    const tokens = { GUAC_USERNAME: 'Eve' };
    assert.equal(withTokens('${GUAC_USERNAME}@x', tokens), 'Eve@x');
    assert.equal(withTokens('${GUAC_USERNAME:LOWER}${GUAC_USERNAME:UPPER}', tokens), 'eveEVE');
    assert.equal(
      withTokens('$${GUAC_USERNAME} ${toString} ${NONE:LOWER} <${NONE:OPTIONAL}> ${GUAC_USERNAME:OTHER}', tokens),
      '${GUAC_USERNAME} ${toString} ${NONE:LOWER} <> Eve',
    );
  });
});
