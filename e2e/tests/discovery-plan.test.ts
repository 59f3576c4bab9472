// The plan of an organisation that no single answer holds: more than 5,000 machines, in a cloud that is slow.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AwsStandIn, organisationIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { wholePreview } from '@enchilada/contract';
import { until } from '@enchilada/core/testing/until';
import type { Ran } from '../fixtures/command.ts';
import { Operator } from './operator.ts';
import { Site } from './site.ts';

const REGION = 'eu-west-1';
const ACCOUNTS = 42;
const EACH = 150;
const ALL = ACCOUNTS * EACH;
/** So slow that an answer ends before all was looked at. */
const LATENCY_MS = 1_500;

const owned = new AsyncDisposableStack();
let cloud: AwsStandIn;
let site: Site;
let operator: Operator;

before(async () => {
  cloud = owned.use(await AwsStandIn.start());
  site = owned.use(await Site.start({ environment: cloud.environment }));
  operator = owned.use(await Operator.at(site));
});
after(() => owned.disposeAsync());

const enchilada = (...words: readonly string[]): Promise<Ran> => operator.run(...words);

test('an organisation of more than 5,000 machines is planned exactly, by the API and on the command line, before it is switched on and after', async () => {
  assert.ok(ALL > 5_000);
  const { api } = site.admin;
  const accounts = organisationIn(cloud, { region: REGION, accounts: ACCOUNTS, each: EACH });
  const parameters = {
    accounts: accounts.map(({ id, name }) => `${id}=${name}`),
    regions: [REGION],
    endpoint: cloud.url,
  };
  const fields = { name: 'Organisation', parameters, protectedTags: [] };
  const source = await api.createSource({ body: { ...fields, kind: 'aws', enabled: false } });
  for (const { id } of accounts) cloud.roles.set(id, source.externalId);
  cloud.latencyMs = LATENCY_MS;

  const far: number[] = [];
  let appears = 0;
  for await (const step of wholePreview((scopes) =>
    api.previewDiscovery({ body: { sourceId: source.id, ...(scopes === undefined ? {} : { scopes }) } }),
  )) {
    far.push(step.scopes);
    assert.equal(step.scopes + step.rest.length, ACCOUNTS);
    ({ appears } = step);
  }
  assert.ok(far.length > 1, 'it took more than one answer');
  assert.equal(appears, ALL);
  const plan = await enchilada('discovery', 'plan', 'organisation');
  assert.equal(plan.exitCode, 0);
  assert.match(plan.stdout, new RegExp(`^${ALL} appear, 0 change, 0 go, 0 are left out, 0 stay\\. Nothing was`, 'mu'));
  assert.match(plan.stdout, new RegExp(`^… and ${ALL - 500} more that are counted and not listed\\.$`, 'mu'));
  assert.match(plan.stderr, new RegExp(`^\\d+ of ${ACCOUNTS} accounts and regions looked at …$`, 'mu'));

  cloud.latencyMs = 0;
  const { id, version } = source;
  await api.updateSource({ params: { id }, body: { ...fields, enabled: true, version } });
  await until(async () => (await api.listSources({})).items[0]?.machines === ALL);
  const rules = join(operator.folder, 'rules.json');
  const rule = { name: 'moved', enabled: true, match: { accounts: [accounts[0]?.id] }, outcome: { group: 'Moved' } };
  await writeFile(rules, JSON.stringify([rule]));
  const changed = await enchilada('discovery', 'plan', 'organisation', '--rules', rules);
  assert.match(changed.stdout, new RegExp(`^0 appear, ${EACH} change, 0 go, 0 are left out, ${ALL - EACH} stay`, 'mu'));
  assert.match(changed.stdout, /Moved .*moved$/mu);
});
