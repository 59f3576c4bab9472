import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Delivery, SourceType } from '@enchilada/core/discovery';
import type { AuditEvent } from '@enchilada/core/audit';
import { until } from '@enchilada/core/testing/until';
import { systemRandom as random, systemClock as clock } from '../clock.ts';
import { aDelivery, aWorld } from '../testing/discovery-world.ts';
import { DiscoveryService } from './discovery-service.ts';

it('messages that cannot be read are told of once a kind, and given back each time', async () => {
  const world = await aWorld();
  const messages = [
    'not an instance id: i-1',
    'the message is not JSON',
    'not an instance id: i-2',
    'the message has 2000000 characters',
    'the message has 3000000 characters',
  ].map((problem) => aDelivery([], problem));
  const waiting: Delivery[] = messages.map(({ delivery }) => delivery);
  const hints = {
    async receive(signal: AbortSignal): Promise<readonly Delivery[]> {
      const answer = waiting.splice(0, 2);
      if (answer.length > 0) return answer;
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      return [];
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const { cloud } = world;
  const type: SourceType = {
    manifest: { kind: world.record.kind, label: { en: 'Cloud', de: 'Cloud' }, parameters: [] },
    open: () =>
      Promise.resolve({
        scopes: () => cloud.scopes(),
        scan: (scope) => cloud.scan(scope),
        describe: (scope, ids) => cloud.describe(scope, ids),
        hints,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
  const told: AuditEvent[] = [];
  const hash = '0'.repeat(64);
  const audit = {
    append: (event: AuditEvent) => {
      told.push(event);
      return Promise.resolve({ ...event, node: 'one', sequence: 1, at: clock.now(), previous: hash, hash });
    },
  };
  await using service = new DiscoveryService({
    ...{ store: world.store, audit, clock, random, nodeId: 'one', types: [type] },
    ...{ protocols: { linux: 'proto' }, portOf: () => 22, report: assert.fail },
  });
  await service.start();
  await until(() => messages.every(({ how }) => how() === 'retried'));
  assert.deepEqual(
    told.map(({ action, detail }) => [action, detail?.['problem']]),
    [
      ['source.event-refused', 'not an instance id: i-1'],
      ['source.event-refused', 'the message is not JSON'],
      ['source.event-refused', 'the message has 2000000 characters'],
    ],
  );
});
