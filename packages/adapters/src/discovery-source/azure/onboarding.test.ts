import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { onboarding, QUEUE_DATA_ACTIONS, READER_ACTIONS } from './onboarding.ts';

it('the role of the template has the reads that the code makes, and no other', async () => {
  const files = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.ts') && !name.includes('.test.'));
  const code = await Promise.all(
    files.filter((name) => name !== 'onboarding.ts').map((name) => readFile(join(import.meta.dirname, name), 'utf8')),
  );
  const called = new Set(code.join('\n').match(/(?<=permission(?:: | = )')[^']+(?=')/gu));
  const ofQueue = [...called].filter((action) => action.includes('/queueServices/'));
  for (const action of ofQueue) called.delete(action);
  // A role of its own for the queue; the poison queue is written to alone, which the built-in sender may.
  assert.deepEqual(ofQueue.filter((action) => !action.endsWith('/add/action')).sort(), [...QUEUE_DATA_ACTIONS]);
  // Resource Graph is open to everybody and answers what the others allow: subscriptions and scale sets.
  called.delete('Microsoft.ResourceGraph/resources/read');
  for (const type of ['Microsoft.Resources/subscriptions', 'Microsoft.Compute/virtualMachineScaleSets']) {
    assert.ok(code.join('\n').toLowerCase().includes(type.toLowerCase()), `nothing asks for ${type}`);
    called.add(`${type}/read`);
  }
  assert.deepEqual([...READER_ACTIONS], [...called].sort());
});

it('templates are JSON and hold no secret; the command names the management group', () => {
  const files = onboarding(aSource({ kind: 'azure', parameters: { managementGroup: 'corp' } }));
  assert.deepEqual(
    files.map(({ name }) => name),
    ['enchilada-reader.json', 'enchilada-queue.json', 'enchilada-events.json'],
  );
  for (const { text } of files) assert.ok('resources' in (JSON.parse(text) as object));
  assert.match(files[0]?.commands.join(' ') ?? '', /--management-group-id corp /u);
  const { resources } = JSON.parse(files[1]?.text ?? '') as {
    readonly resources: readonly {
      readonly type: string;
      readonly properties: {
        readonly roleDefinitionId?: string;
        readonly permissions?: readonly { readonly dataActions: unknown }[];
      };
    }[];
  };
  const given = resources.flatMap(({ properties }) => properties.roleDefinitionId ?? []);
  assert.match(given[0] ?? '', /'enchilada-event-reader'/u);
  const [role] = resources.flatMap(({ properties }) => properties.permissions ?? []);
  assert.deepEqual(role?.dataActions, QUEUE_DATA_ACTIONS);
});
