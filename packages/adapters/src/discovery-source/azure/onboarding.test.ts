import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { onboarding, READER_ACTIONS } from './onboarding.ts';

it('the role of the template has the reads that the code makes, and no other', async () => {
  const files = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.ts') && !name.includes('.test.'));
  const code = await Promise.all(
    files.filter((name) => name !== 'onboarding.ts').map((name) => readFile(join(import.meta.dirname, name), 'utf8')),
  );
  const called = new Set(code.join('\n').match(/(?<=permission(?:: | = )')[^']+(?=')/gu));
  // Of the queue a role of its own; Resource Graph is open to everybody and answers what the others allow: subscriptions and scale sets.
  called.delete('Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action');
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
  assert.match(files[0]?.use.en ?? '', /--management-group-id corp /u);
});
