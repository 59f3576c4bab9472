import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DiscoverySource, Hint, Sighting } from '@enchilada/core/discovery';
import { isFault } from '@enchilada/core/fault';
import { systemClock as clock } from '@enchilada/core/testing/authorized';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { parseMachineList } from '../shared/machine-list.ts';
import { inventoryFile } from './index.ts';

const { signal } = new AbortController();

describe('an inventory of files', () => {
  let base: string;
  let folder: string;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'enchilada-inventory-'));
    folder = join(base, 'inventories');
    await mkdir(join(folder, 'sites'), { recursive: true });
  });
  after(() => rm(base, { recursive: true }));

  const open = (path: string): Promise<DiscoverySource> =>
    inventoryFile({ clock, folder }).open(aSource({ kind: 'inventory-file', parameters: { path } }));
  const listed = async (source: DiscoverySource, account: string): Promise<readonly Sighting[]> => {
    const pages: (readonly Sighting[])[] = [];
    for await (const page of source.scan({ account, region: 'all' }, signal)) pages.push(page);
    return pages.flat();
  };
  const nextHints = async (source: DiscoverySource): Promise<readonly Hint[]> => {
    for (;;) {
      const deliveries = (await source.hints?.receive(signal)) ?? assert.fail('nothing is watched');
      if (deliveries.length > 0) return deliveries.flatMap(({ hints }) => hints);
    }
  };

  it('reads each file of a folder as a scope, so that a broken one costs no other', async () => {
    await writeFile(
      join(folder, 'sites/a.yaml'),
      'machines:\n  - { name: web-1, address: 10.0.0.1, tags: { team: x } }\n',
    );
    await writeFile(join(folder, 'sites/b.csv'), 'name;address;platform;port;team\nwin-1;10.0.0.2;windows;3390;pay\n');
    await writeFile(join(folder, 'sites/c.json'), '[{"name": "broken"');
    await writeFile(join(folder, 'sites/.hidden'), 'not read');
    await using source = await open('sites');
    assert.deepEqual(
      (await source.scopes(signal)).map(({ account }) => account),
      ['sites/a.yaml', 'sites/b.csv', 'sites/c.json'],
    );
    assert.deepEqual(
      [...(await listed(source, 'sites/a.yaml')), ...(await listed(source, 'sites/b.csv'))].map(({ facts }) => [
        facts.name,
        facts.platform,
        facts.privateAddresses[0],
        facts.stated?.port,
        facts.tags['team'],
      ]),
      [
        ['web-1', 'linux', '10.0.0.1', undefined, 'x'],
        ['win-1', 'windows', '10.0.0.2', 3390, 'pay'],
      ],
    );
    await assert.rejects(
      listed(source, 'sites/c.json'),
      (fault) => isFault(fault, 'DISCOVERY_FAILED') && !fault.message.includes('broken'),
    );
    await rm(join(folder, 'sites/c.json'));
    assert.deepEqual(await listed(source, 'sites/c.json'), [], 'what is taken out of the folder names nothing');
  });

  it('tells of an entry that was added or changed, and of no other', async () => {
    const file = join(folder, 'one.yaml');
    const write = async (text: string): Promise<void> => {
      await writeFile(`${file}~`, text);
      await rename(`${file}~`, file);
    };
    await write('[{ name: a, address: 10.0.0.1 }, { name: b, address: 10.0.0.2 }]');
    await using source = await open('one.yaml');
    await source.hints?.receive(signal);
    await write('[{ name: a, address: 10.0.0.1 }, { name: b, address: 10.0.0.9 }, { name: c, address: 10.0.0.3 }]');
    const hints = await nextHints(source);
    assert.deepEqual(
      hints.map(({ nativeId }) => nativeId),
      ['b', 'c'],
    );
    const sightings = await source.describe({ account: 'one.yaml', region: 'all' }, ['b', 'c', 'gone'], signal);
    assert.deepEqual(
      sightings.map(({ facts }) => facts.privateAddresses[0]),
      ['10.0.0.9', '10.0.0.3'],
    );
  });

  it('reads nothing outside the folder for inventories, by path or by link', async () => {
    await writeFile(join(base, 'secret.yaml'), '[{ name: secret, address: 10.0.0.1 }]');
    await symlink(join(base, 'secret.yaml'), join(folder, 'link.yaml'));
    await symlink('/etc', join(folder, 'etc'));
    for (const path of ['sites/../../secret.yaml', 'link.yaml', 'etc/passwd', '/etc/passwd']) {
      await using source = await open(path);
      await assert.rejects(source.scopes(signal), (fault) => isFault(fault, 'DISCOVERY_FAILED'), path);
      await assert.rejects(listed(source, path), (fault) => isFault(fault, 'DISCOVERY_FAILED'), path);
    }
  });

  it('that is not there fails and does not count as empty', async () => {
    await using source = await open('absent.yaml');
    await assert.rejects(listed(source, 'absent.yaml'), (fault) => isFault(fault, 'DISCOVERY_FAILED'));
  });
});

describe('a list of machines', () => {
  it('is read whole or not at all, and what is wrong is named by its place', () => {
    for (const [text, why] of [
      ['', /no list/u],
      ['hello', /no list/u],
      ['[{ name: a }]', /entry 1 needs an address/u],
      ['[{ name: a, address: "10.0.0.1; rm -rf /" }]', /entry 1 needs an address/u],
      ['[{ address: 10.0.0.1 }]', /entry 1 needs a name/u],
      ['[{ name: a, address: b, port: 70000 }]', /port that is none/u],
      ['[{ name: a, address: b, platform: bsd }]', /neither linux nor windows/u],
      ['[{ name: a, address: b, adress: c }]', /"adress" that is not known/u],
      ['[{ name: a, name: b, address: c }]', /DUPLICATE_KEY in line 1/u],
      [
        'a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b, *b]\nmachines: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]',
        /expand|needs a name/u,
      ],
      ['name,address\na,', /line 2 needs an address/u],
    ] as const)
      assert.throws(() => parseMachineList(text, 'list'), why, text.slice(0, 60));
  });
});
