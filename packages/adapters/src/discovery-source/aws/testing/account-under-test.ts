/** An account of AWS, or of an emulator of it, that the suite may read, and a queue that nobody else reads. */
export interface AccountUnderTest {
  readonly account: string;
  readonly region: string;
  readonly queueUrl: string;
  /** Undefined: AWS itself. */
  readonly endpoint: string | undefined;
  readonly roleName: string | undefined;
}

/** The external id that the reader role asks for is made of it. */
export const SOURCE_UNDER_TEST = 'src_suite';

const NEEDED = {
  TEST_AWS_ACCOUNT: [/^\d{12}$/u, 'twelve digits'],
  TEST_AWS_REGION: [/^[a-z]{2}(-[a-z]+)+-\d{1,2}$/u, 'a region as eu-west-1'],
  TEST_AWS_QUEUE_URL: [/^https?:\/\/\S+\/\S+$/u, 'the URL of a queue'],
} as const;
const OPTIONAL = {
  TEST_AWS_ENDPOINT: [/^https?:\/\/\S+$/u, 'a URL'],
  TEST_AWS_ROLE: [/^[\w+=,.@-]{1,64}$/u, 'the name of a role'],
} as const;

/**
 * What the environment names; undefined where it names nothing.
 * @throws Error where it names a part: half of a suite against an account and half against a stand-in would prove neither
 */
export function accountUnderTest(environment: NodeJS.ProcessEnv): AccountUnderTest | undefined {
  const valueOf = (name: string): string => environment[name] ?? '';
  const all = { ...NEEDED, ...OPTIONAL };
  const set = Object.keys(all).filter((name) => valueOf(name) !== '');
  if (set.length === 0) return undefined;
  const missing = Object.keys(NEEDED).filter((name) => valueOf(name) === '');
  if (missing.length > 0)
    throw new Error(`${set.join(', ')} set and ${missing.join(', ')} not: set all of them, or none for the stand-in`);
  for (const name of set as (keyof typeof all)[]) {
    const [shape, words] = all[name];
    if (!shape.test(valueOf(name))) throw new Error(`${name} must be ${words}, received ${valueOf(name)}`);
  }
  return {
    account: valueOf('TEST_AWS_ACCOUNT'),
    region: valueOf('TEST_AWS_REGION'),
    queueUrl: valueOf('TEST_AWS_QUEUE_URL'),
    endpoint: environment['TEST_AWS_ENDPOINT'],
    roleName: environment['TEST_AWS_ROLE'],
  };
}
