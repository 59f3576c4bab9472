import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS } from '../commands.ts';
import { runLine } from '../testing/run-line.ts';

test('without words, the overview names every command and every exit code', async () => {
  const { exitCode, stdout } = await runLine([]);
  assert.equal(exitCode, 0);
  for (const { path } of COMMANDS) assert.match(stdout, new RegExp(`^  ${path.join(' ')}\\b`, 'mu'));
  for (let code = 0; code <= 5; code++) assert.match(stdout, new RegExp(`^  ${code}  `, 'mu'));
});

test('every command explains itself and each of its options', async () => {
  for (const { path, options } of COMMANDS) {
    const { exitCode, stdout } = await runLine([...path, '--help']);
    assert.equal(exitCode, 0, path.join(' '));
    assert.match(stdout, /^usage: enchilada /u);
    for (const name of Object.keys(options)) assert.ok(stdout.includes(`--${name}`), `${path.join(' ')} --${name}`);
  }
});

test('no command takes a secret from the command line', () => {
  for (const { path, options } of COMMANDS) {
    for (const [name, option] of Object.entries(options)) {
      if (/password|secret|token|passphrase/u.test(name) && option.type === 'string')
        assert.equal(option.value, 'FILE', `${path.join(' ')} --${name}`);
    }
  }
});

test('a wrong command, option or word is named with the nearest one, and exits with 2', async () => {
  for (const [argv, message] of [
    [['tragets', 'list'], /no command "tragets"; did you mean targets\?/u],
    [['xyzzy'], /no command "xyzzy"; see enchilada --help$/mu],
    [['targets', 'xyzzy'], /no command "targets xyzzy"; see enchilada targets --help$/mu],
    [['targets', 'lsit'], /no command "targets lsit"; did you mean targets list\?/u],
    [['targets', 'list', '--mien'], /did you mean --mine\?/u],
    [['targets', 'add', 'web'], /HOST is missing/u],
    [['logout', 'now'], /"now" is one word too many/u],
    [['login', 'ftp://x', 'anna'], /the address must be like/u],
    [['login', 'http://bastion.example.org', 'anna'], /in clear; use https/u],
  ] as const) {
    const { exitCode, stderr, stdout } = await runLine(argv);
    assert.equal(exitCode, 2, argv.join(' '));
    assert.match(stderr, message);
    assert.equal(stdout, '');
  }
});

test('with --json a failure is one line of JSON on standard output', async () => {
  const { exitCode, json } = await runLine(['whoami', '--json'], { env: { XDG_CONFIG_HOME: '/nonexistent' } });
  assert.equal(exitCode, 3);
  assert.match(String((json()['error'] as { message: string }).message), /not signed in/u);
});

test('control characters in the words of the command line come back as escapes', async () => {
  const { stderr } = await runLine(['\u001b[31m\u202e']);
  assert.match(stderr, /\\u001b\[31m/u);
  assert.doesNotMatch(stderr, /[\u001b\u202e]/u);
});
