import type { StoreTransaction } from '../store/index.ts';
import type { Target, TargetGroup } from '../target/index.ts';
import { type RandomSource, randomId } from '../time/index.ts';
import type { DiscoveryChange } from './scope-news.ts';
import type { Scope, SourceId, SourceRecord } from './discovery-source.ts';
import { type CatalogEntry, type FoundMachine, type Projection, targetIdsOf } from './found-machine.ts';
import type { ProjectedFields } from './projection.ts';

export interface WantedMachines {
  readonly source: SourceId;
  readonly scope: Scope;
  readonly nativeIds: readonly string[];
}

/** What several scopes need of the catalog and write to it in one transaction, each asked for and written once. */
export class CatalogBatch {
  readonly #tx: StoreTransaction;
  readonly #random: RandomSource;
  readonly #sources = new Map<SourceId, SourceRecord | undefined>();
  readonly #known = new Map<string, FoundMachine>();
  readonly #targets = new Map<string, Target>();
  readonly #groups = new Map<string, TargetGroup>();
  readonly #references = new Map<string, boolean>();
  /** Who has a name that is wanted, by its key. */
  readonly #holders = new Map<string, string>();
  readonly #namesTaken = new Set<string>();
  readonly #inserts: Target[] = [];
  readonly #updates: Target[] = [];
  readonly #found: FoundMachine[] = [];
  readonly #changes: DiscoveryChange[] = [];
  #groupsLoaded = false;

  constructor(tx: StoreTransaction, random: RandomSource) {
    this.#tx = tx;
    this.#random = random;
  }

  async source(id: SourceId): Promise<SourceRecord | undefined> {
    if (!this.#sources.has(id)) this.#sources.set(id, await this.#tx.discovery.findSource(id));
    return this.#sources.get(id);
  }

  async load(wanted: readonly WantedMachines[]): Promise<void> {
    for (const source of new Set(wanted.map((one) => one.source))) {
      const ofSource = wanted.filter((one) => one.source === source && one.nativeIds.length > 0);
      for (const machine of await this.#tx.discovery.found(source, ofSource))
        this.#known.set(machineKey({ source, scope: machine.scope }, machine.nativeId), machine);
    }
    const ids = [...this.#known.values()].flatMap(targetIdsOf);
    for (const target of await this.#tx.catalog.findTargets(ids)) this.#targets.set(target.id, target);
  }

  async loadHolders(names: readonly string[]): Promise<void> {
    for (const { id, name } of await this.#tx.catalog.findTargetsByName(names)) this.#holders.set(nameKeyOf(name), id);
  }

  known(where: Pick<WantedMachines, 'source' | 'scope'>, nativeId: string): FoundMachine | undefined {
    return this.#known.get(machineKey(where, nativeId));
  }

  targetOf({ targetId }: Pick<CatalogEntry, 'targetId'>): Target | undefined {
    return targetId === undefined ? undefined : this.#targets.get(targetId);
  }

  inserts(target: Target): void {
    this.#inserts.push(target);
  }

  updates(target: Target): void {
    this.#updates.push(target);
  }

  saves(machine: FoundMachine): void {
    this.#found.push(machine);
  }

  notes(change: DiscoveryChange): void {
    this.#changes.push(change);
  }

  async write(): Promise<void> {
    const { catalog, discovery } = this.#tx;
    if (this.#inserts.length > 0) await catalog.insertTargets(this.#inserts);
    if (this.#updates.length > 0) await catalog.updateTargets(this.#updates);
    if (this.#found.length > 0) await discovery.saveFound(this.#found);
    if (this.#changes.length > 0) await discovery.appendChanges(this.#changes);
  }

  /** Fields that need the database: the group's id, a name that is free, references that exist. */
  async complete(fields: ProjectedFields, machine: FoundMachine, target: Target | undefined): Promise<Projection> {
    const { path, ...rest } = fields;
    const { credentials, catalog } = this.#tx;
    const has = async (key: string, look: () => Promise<unknown>): Promise<boolean> => {
      const kept = this.#references.get(key) ?? (await look()) !== undefined;
      this.#references.set(key, kept);
      return kept;
    };
    const { credentialId, jumpTargetId } = rest;
    return {
      ...rest,
      name: this.#freeName(fields.name, machine, target),
      groupId: await this.#groupAt(path),
      credentialId:
        credentialId !== undefined && (await has(credentialId, () => credentials.find(credentialId)))
          ? credentialId
          : undefined,
      jumpTargetId:
        jumpTargetId !== undefined &&
        jumpTargetId !== target?.id &&
        (await has(jumpTargetId, () => catalog.findTarget(jumpTargetId)))
          ? jumpTargetId
          : undefined,
    };
  }

  #freeName(wanted: string, machine: FoundMachine, target: Target | undefined): string {
    const names = namesFor(wanted, machine);
    for (const name of names) {
      const key = nameKeyOf(name);
      const holder = this.#holders.get(key);
      if (this.#namesTaken.has(key) || (holder !== undefined && holder !== target?.id)) continue;
      this.#namesTaken.add(key);
      return name;
    }
    return `${names.at(-1)?.slice(0, 150) ?? ''} ${machine.id.slice(-12)}`;
  }

  async #groupAt(path: readonly string[]): Promise<string | undefined> {
    const { catalog } = this.#tx;
    if (!this.#groupsLoaded) {
      for (const group of await catalog.listGroups()) this.#groups.set(keyOf(group.parentId, group.name), group);
      this.#groupsLoaded = true;
    }
    let parentId: string | undefined;
    for (const name of path) {
      const key = keyOf(parentId, name);
      let group = this.#groups.get(key);
      if (group === undefined) {
        group = { id: `tgp_${randomId(this.#random)}`, parentId, name };
        await catalog.insertGroup(group);
        this.#groups.set(key, group);
      }
      parentId = group.id;
    }
    return parentId;
  }
}

/** INVARIANT: no two machines have one, whatever the names of files and machines in inventories hold. */
function machineKey({ source, scope }: Pick<WantedMachines, 'source' | 'scope'>, nativeId: string): string {
  return JSON.stringify([source, scope.account, scope.region, nativeId]);
}

/** The name that a machine is to have, and the one that it gets where another has that. */
export function namesFor(wanted: string, { nativeId }: Pick<FoundMachine, 'nativeId'>): readonly string[] {
  const short = nativeId.split('/').at(-1) ?? nativeId;
  return [wanted, `${[...wanted].slice(0, 100).join('')} (${short.slice(0, 80)})`];
}

export function nameKeyOf(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
}

function keyOf(parentId: string | undefined, name: string): string {
  return `${parentId ?? ''}/${nameKeyOf(name)}`;
}
