// The suite against an account is pointed at one by variables alone: here by those of the stand-in, from outside its process.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { AccountProcess } from './testing/account-process.ts';
import { accountUnderTest } from './testing/account-under-test.ts';

const SUITE = join(import.meta.dirname, 'aws-account.test.ts');

async function suiteWith(variables: Readonly<Record<string, string>>) {
  // The runner's own mark would make the suite a part of this test, and not run it.
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
  const child = spawn(process.execPath, ['--conditions=source', '--test', '--test-reporter=tap', SUITE], {
    env: { ...environment, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const said = await text(child.stdout);
  return { said, exitCode: await exited };
}

it('the suite reads the account that the variables name, and uses their queue', async () => {
  await using account = await AccountProcess.start();
  const { said, exitCode } = await suiteWith(account.variables);
  assert.equal(exitCode, 0, said);
  assert.match(said, /^# pass 4$/mu);
  assert.deepEqual([...(await account.end())].sort(), [
    'AssumeRole',
    'DescribeInstances',
    'DescribeRegions',
    'DescribeVpcs',
  ]);
});

it('variables that are half set, or wrong, are refused by name, and the suite does not run', async () => {
  const { said, exitCode } = await suiteWith({ TEST_AWS_ACCOUNT: '444444444444', TEST_AWS_REGION: 'eu-central-1' });
  assert.notEqual(exitCode, 0);
  assert.match(said, /TEST_AWS_ACCOUNT, TEST_AWS_REGION set and TEST_AWS_QUEUE_URL not: set all of them, or none/u);
  assert.doesNotMatch(said, /^\s*ok \d+ - is listed/mu);
  const whole = {
    ...{ TEST_AWS_ACCOUNT: '444444444444', TEST_AWS_REGION: 'eu-central-1' },
    TEST_AWS_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/444444444444/suite',
  };
  assert.equal(accountUnderTest(whole)?.endpoint, undefined);
  assert.equal(accountUnderTest({}), undefined);
  assert.throws(() => accountUnderTest({ TEST_AWS_ENDPOINT: 'http://127.0.0.1:4566' }), /TEST_AWS_ENDPOINT set and/u);
  assert.throws(
    () => accountUnderTest({ ...whole, TEST_AWS_ACCOUNT: '4444' }),
    /must be twelve digits, received 4444/u,
  );
});
