import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvent } from './event.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-west-1';
const ID = 'i-0123456789abcdef0';
const AT = '2026-11-21T10:00:00Z';

/** As EventBridge sends it: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html */
const stateChange = {
  version: '0',
  id: '7bf73129-1428-4cd3-a780-95db273d1602',
  'detail-type': 'EC2 Instance State-change Notification',
  source: 'aws.ec2',
  account: ACCOUNT,
  time: AT,
  region: REGION,
  resources: [`arn:aws:ec2:${REGION}:${ACCOUNT}:instance/${ID}`],
  detail: { 'instance-id': ID, state: 'running' },
};
const called = (eventName: string, response: unknown, more: object = {}): object => ({
  ...stateChange,
  'detail-type': 'AWS API Call via CloudTrail',
  resources: [],
  detail: {
    ...{ eventVersion: '1.11', eventSource: 'ec2.amazonaws.com', eventName, awsRegion: REGION },
    ...{ recipientAccountId: ACCOUNT, userIdentity: { arn: `arn:aws:iam::${ACCOUNT}:user/ada` } },
    ...{ responseElements: response, ...more },
  },
});
const instances = (...ids: readonly unknown[]): object => ({
  instancesSet: { items: ids.map((instanceId) => ({ instanceId })) },
});
const read = (event: unknown): ReturnType<typeof readEvent> => readEvent(JSON.stringify(event));

test('an event of a version that is not known yet is a hint like any other: what it names is described', () => {
  const hint = {
    eventId: stateChange.id,
    scope: { account: ACCOUNT, region: REGION },
    nativeId: ID,
    at: Date.parse(AT),
  };
  for (const version of ['0', '1', '2099-01-01', 7, null, undefined])
    assert.deepEqual(read({ ...stateChange, version }), { hints: [{ ...hint, claimed: 'running' }] });
  for (const eventVersion of ['1.08', '2.0', 9, undefined])
    assert.deepEqual(read(called('TerminateInstances', instances(ID), { eventVersion })), {
      hints: [{ ...hint, claimed: 'terminated' }],
    });
  assert.deepEqual(read({ ...stateChange, detail: { 'instance-id': ID, state: 'hibernating' } }), { hints: [hint] });
});

test('an event of a kind that concerns no machine is none, and no reason to put it aside', () => {
  for (const event of [
    { ...stateChange, 'detail-type': 'EC2 Spot Instance Interruption Warning' },
    { ...stateChange, 'detail-type': 'toString' },
    { ...stateChange, 'detail-type': 7 },
    { ...stateChange, 'detail-type': 'Tag Change on Resource', detail: { service: 's3', 'resource-type': 'bucket' } },
    called('DescribeInstances', instances(ID)),
    called('__proto__', instances(ID)),
    called('constructor', instances(ID)),
    // A call that failed, or that started nothing.
    called('RunInstances', null),
    called('RunInstances', instances()),
    called('RunInstances', { instancesSet: { items: 'many' } }),
    called('RunInstances', instances(ID), { eventSource: 'evil.example' }),
  ])
    assert.deepEqual(read(event), { hints: [] }, JSON.stringify(event));
});

test('what is no event, names another account or region, or no instance, is said to be so and names no machine', () => {
  const arn = (region: string, account: string): string => `arn:aws:ec2:${region}:${account}:instance/${ID}`;
  const tagged = (resource: string): object => ({
    ...{ ...stateChange, 'detail-type': 'Tag Change on Resource', resources: [resource] },
    detail: { service: 'ec2', 'resource-type': 'instance', 'changed-tag-keys': ['team'] },
  });
  for (const [problem, ...events] of [
    [
      /no EventBridge event/u,
      ...[null, [], 'text', 7, {}, [stateChange]],
      ...['11111111111', '1111111111111', '１１１１１１１１１１１１', 111_111_111_111].map((account) => ({
        ...stateChange,
        account,
      })),
      ...['eu_west_1', 'EU-WEST-1', '../eu-west-1', 'eu-west-1\n', ''].map((region) => ({ ...stateChange, region })),
      ...['yesterday', '', 7, {}].map((time) => ({ ...stateChange, time })),
      ...['', 'x'.repeat(201), 7].map((id) => ({ ...stateChange, id })),
    ],
    [
      /another account or region/u,
      { ...stateChange, resources: [arn('us-east-1', ACCOUNT)] },
      { ...stateChange, resources: [arn(REGION, '222222222222')] },
      tagged(arn(REGION, '222222222222')),
      called('RunInstances', instances(ID), { recipientAccountId: '222222222222' }),
      called('RunInstances', instances(ID), { awsRegion: 'us-east-1' }),
    ],
    [
      /not an instance id/u,
      ...['', 'i-xyz', 'i-0123456789abcdef0 ', 'i-0123456789ABCDEF0', '*', 7, null, ['i-0123456789abcdef0']].map(
        (id) => ({
          ...stateChange,
          detail: { 'instance-id': id, state: 'running' },
        }),
      ),
      called('RunInstances', instances(ID, 'i-nothing')),
      tagged('arn:aws:s3:::bucket'),
    ],
  ] as const)
    for (const event of events) {
      const told = read(event);
      assert.deepEqual(told.hints, [], JSON.stringify(event));
      assert.match(told.problem ?? '', problem, JSON.stringify(event));
      assert.ok((told.problem ?? '').length < 120);
    }
  assert.match(readEvent('{bad').problem ?? '', /not JSON/u);
  assert.match(readEvent(`"${'x'.repeat(1_048_576)}"`).problem ?? '', /has 1048578 characters/u);
});

test('a call that started many machines hints at each once, and at a thousand at most', () => {
  const id = (index: number): string => `i-${index.toString(16).padStart(17, '0')}`;
  const many = Array.from({ length: 1_500 }, (_, index) => id(index));
  assert.equal(read(called('RunInstances', instances(...many))).hints.length, 1_000);
  const twice = read(called('RunInstances', instances(ID, ID)));
  assert.deepEqual(
    twice.hints.map(({ nativeId, launchedBy }) => [nativeId, launchedBy]),
    [[ID, `arn:aws:iam::${ACCOUNT}:user/ada`]],
  );
});
