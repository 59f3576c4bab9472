import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '@enchilada/core/testing/authorized';
import { ManualClock } from '@enchilada/core/testing/recorder-parts';
import { EchoGuard } from './echo-guard.ts';
import { LogIn, matches, type LogInAct } from './log-in.ts';
import { readParameters } from './telnet-manifest.ts';

/** Feeds the texts; `|` is a moment of silence. */
function walk(texts: readonly string[], parameters = {}): readonly LogInAct[] {
  const logIn = new LogIn(readParameters(parameters));
  return texts.flatMap((text) => (text === '|' ? logIn.settled() : logIn.shown(Buffer.from(text))) ?? []);
}

describe('a pattern', () => {
  it('stands at the end or anywhere, without regard to case, with * for anything', () => {
    assert.ok(matches('login:', 'debian login:', false));
    assert.ok(!matches('login:', 'login: x', false));
    assert.ok(matches('login:', 'login: x', true));
    assert.ok(matches('Password for *:', 'password for eve:', false));
    assert.ok(matches('a*b*c', 'xxaybzzc', false));
    assert.ok(!matches('a*b*c', 'xxaybzz', false));
  });

  it('agrees with a regular expression of the same meaning', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', ':', '*'), { maxLength: 8 }).map((list) => list.join(''));
    const text = fc.array(fc.constantFrom('a', 'b', ':'), { maxLength: 14 }).map((list) => list.join(''));
    fc.assert(
      fc.property(letters, text, fc.boolean(), (pattern, shown, anywhere) => {
        const regex = new RegExp(`^.*${pattern.replaceAll('*', '.*')}${anywhere ? '.*' : ''}$`, 'su');
        assert.equal(matches(pattern, shown, anywhere), regex.test(shown));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes a time that the machine cannot choose', () => {
    const steps = matches(`${'a*'.repeat(100)}b`, 'a'.repeat(4_096), true);
    assert.equal(steps, false);
  });
});

describe('a log-in', () => {
  it('answers both prompts of a usual system', () => {
    assert.deepEqual(
      walk(['\r\nDebian 12\r\n\r\nhost lo', 'gin: ', 'eve\r\n', 'Password: ', '\r\n', 'Welcome\r\n$ ', '|']),
      ['send-username', 'send-password', 'accepted'],
    );
  });

  it('answers a device that asks for a password alone, and one with colours', () => {
    assert.deepEqual(walk(['\r\nUser Access Verification\r\n\r\nPassword: ']), ['send-password']);
    assert.deepEqual(walk(['\u001b[2J\u001b[1;1HUser\u001b[0m: \u001b[K', 'x\r\nPass', 'word:']), [
      'send-username',
      'send-password',
    ]);
  });

  it('does not take a greeting for a prompt', () => {
    assert.deepEqual(walk(['login: ', 'eve\r\nPassword: ', '\r\nLast login: ', '|']), [
      'send-username',
      'send-password',
      'accepted',
    ]);
  });

  it('knows a refusal by its words and by a new prompt', () => {
    for (const refusal of [['\r\nLogin incorrect\r\n'], ['\r\n', '\r\nhost login: ', '|'], ['\r\nPassword: ', '|']])
      assert.deepEqual(walk(['login: ', 'eve\r\nPassword: ', ...refusal]), [
        'send-username',
        'send-password',
        'refused',
      ]);
  });

  it('waits for its own words where they are configured', () => {
    const parameters = {
      usernamePrompts: ['wer da?'],
      passwordPrompts: ['geheim*>'],
      successTexts: ['willkommen'],
      failureTexts: ['weg da'],
    };
    assert.deepEqual(
      walk(['login: Password: Wer da? ', 'GEHEIMNIS 7>', 'login incorrect', '|', 'Willkommen!'], parameters),
      ['send-username', 'send-password', 'accepted'],
    );
    assert.deepEqual(walk(['wer da?', 'geheim>', 'Weg da!'], parameters).at(-1), 'refused');
  });

  it('takes prompts in other scripts, cut inside a character', () => {
    const prompt = Buffer.from('密码:');
    const logIn = new LogIn(readParameters({ passwordPrompts: ['密码:'] }));
    assert.equal(logIn.shown(prompt.subarray(0, 4)), undefined);
    assert.equal(logIn.shown(prompt.subarray(4)), 'send-password');
  });

  it('sends each part once, whatever a machine shows', () => {
    const piece = fc.constantFrom('login: ', 'Password: ', '\r\n', 'user:', 'x', '|', 'denied');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (texts) => {
        const acts = walk(texts);
        assert.equal(new Set(acts).size, acts.length);
      }),
    );
  });
});

describe('the guard against echoed secrets', () => {
  const through = (pieces: readonly string[]): string => {
    const shown: Uint8Array[] = [];
    const guard = new EchoGuard('s3cret', systemClock, (bytes) => shown.push(bytes));
    for (const piece of pieces) guard.shown(Buffer.from(piece));
    guard[Symbol.dispose]();
    return Buffer.concat(shown).toString();
  };

  it('takes an echoed secret out, however it was cut, and shows the rest', () => {
    assert.equal(through(['s3', 'cre', 't\r\nwelcome']), '********\r\nwelcome');
    assert.equal(through(['\r\nwelcome\r\n', '$ ']), '\r\nwelcome\r\n$ ');
    assert.equal(through(['a s3cret s3cret']), 'a ******** ********');
  });

  it('takes it out behind empty lines too, and what came of it by the time that nothing more comes', () => {
    assert.equal(through(['\r\n', ' \r\ns3', 'cret\r\n$ ']), '\r\n \r\n********\r\n$ ');
    assert.equal(through(['\r\ns3cre']), '\r\n********');
    assert.equal(through(['your s3']), 'your s3', 'two letters are a word of their own');
  });

  it('waits as long as something comes', () => {
    const clock = new ManualClock();
    const shown: Uint8Array[] = [];
    const guard = new EchoGuard('s3cret', clock, (bytes) => shown.push(bytes));
    for (const letter of 's3cret') {
      clock.advance(1_900);
      guard.shown(Buffer.from(letter));
    }
    assert.deepEqual(shown, []);
    clock.advance(2_000);
    assert.equal(Buffer.concat(shown).toString(), '********');
  });
});
