import type { Source as SourceView } from '@enchilada/contract';
import { isDiscovered, type Rule, type ScopeRecord, type SourceRecord } from '@enchilada/core/discovery';
import { checkParameters, type EngineManifest } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { randomId } from '@enchilada/core/time';
import { grantEvent, named } from '../access/grant-events.ts';
import { givesRights, grantsIn, withdrawMarks } from '../discovery/rule-grants.ts';
import { actorOf, type Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { requireNone } from './target-rules.ts';
import { requireCurrent } from './require-current.ts';
import { changeView, explain, heldView, previewView, scopeView, sourceViewOf } from './discovery-views.ts';

type DiscoveryHandlers = Pick<
  Handlers,
  | 'listSourceKinds'
  | 'listSources'
  | 'createSource'
  | 'updateSource'
  | 'deleteSource'
  | 'listSourceScopes'
  | 'getOnboarding'
  | 'sweepSource'
  | 'listHeldRemovals'
  | 'acceptRemovals'
  | 'previewDiscovery'
  | 'listDiscoveryChanges'
  | 'getRules'
  | 'setRules'
  | 'explainTarget'
>;

export function discoveryHandlers(parts: ApiParts): DiscoveryHandlers {
  const { store, audit, settlements, clock, random, discovery, engines } = parts;

  async function foundSource(id: string): Promise<SourceRecord> {
    const source = await store.now.discovery.findSource(id);
    if (source === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return source;
  }

  async function sourceView(source: SourceRecord): Promise<SourceView> {
    const [scopes, counts, troubles] = await Promise.all([
      store.now.discovery.listScopes(source.id),
      store.now.discovery.countFound(source.id),
      store.now.discovery.listTroubles(source.id),
    ]);
    return sourceViewOf(source, {
      externalId: discovery.externalIdOf(source),
      scopes,
      counts,
      troubles,
      now: clock.now(),
    });
  }

  function requireGoodSource({ kind, parameters }: Pick<SourceRecord, 'kind' | 'parameters'>): void {
    const manifest = discovery.types.get(kind)?.manifest;
    if (manifest === undefined)
      requireNone([{ field: 'kind', message: `must be one of ${[...discovery.types.keys()].join(', ')}` }]);
    else
      requireNone(
        checkParameters(manifest, parameters).map(({ field, message }) => ({ field: `parameters.${field}`, message })),
      );
  }

  async function requireGoodRules(rules: readonly Rule[]): Promise<void> {
    const granting = new Set<string>();
    for (const [index, { name, match, outcome }] of rules.entries()) {
      const wrong = (field: string, message: string): void => {
        requireNone([{ field: `rules.${index}.outcome.${field}`, message }]);
      };
      const manifest: EngineManifest | undefined = engines.get(outcome.protocol ?? match.protocol ?? '');
      if (outcome.protocol !== undefined && manifest === undefined)
        wrong('protocol', `must be one of ${[...engines.keys()].join(', ')}`);
      if (match.protocol !== undefined && !engines.has(match.protocol))
        requireNone([
          { field: `rules.${index}.match.protocol`, message: `must be one of ${[...engines.keys()].join(', ')}` },
        ]);
      if (outcome.protocol !== undefined && match.protocol !== undefined)
        wrong('protocol', 'is what the rule matches by: it cannot choose another');
      if (outcome.parameters !== undefined) {
        if (manifest === undefined) wrong('parameters', 'need a protocol in the same rule');
        else
          for (const { field, message } of checkParameters(manifest, outcome.parameters))
            wrong(`parameters.${field}`, message);
      }
      if (outcome.credentialId !== undefined && (await store.now.credentials.find(outcome.credentialId)) === undefined)
        wrong('credentialId', 'names a credential that does not exist');
      if (
        outcome.jumpTargetId !== undefined &&
        (await store.now.catalog.findTarget(outcome.jumpTargetId)) === undefined
      )
        wrong('jumpTargetId', 'names a machine that does not exist');
      if (outcome.grants === undefined) continue;
      if (granting.has(name))
        wrong('grants', `need a name of their own: two rules that give rights are called ${name}`);
      granting.add(name);
      const { groups, actions } = outcome.grants;
      if (groups.length === 0 || actions.length === 0) wrong('grants', 'must name a group and what it may do');
      for (const id of groups)
        if ((await store.now.groups.find(id)) === undefined) wrong('grants', 'name a group that does not exist');
    }
  }

  return {
    listSourceKinds: () =>
      Promise.resolve({
        items: [...discovery.types.values()].map(({ manifest }) => structuredClone(manifest) as never),
      }),

    listSources: async () => ({
      items: await Promise.all((await store.now.discovery.listSources()).map((source) => sourceView(source))),
    }),

    createSource: async (context, { body }) => {
      requireGoodSource(body);
      const now = clock.now();
      const source: SourceRecord = {
        ...body,
        id: `src_${randomId(random)}`,
        version: 1,
        createdAt: now,
        updatedAt: now,
      };
      await store.now.discovery.insertSource(source);
      await audit.append({
        action: 'source.created',
        ...actorOf(context),
        object: { kind: 'source', id: source.id, name: source.name },
        outcome: 'success',
        detail: { kind: source.kind, enabled: source.enabled },
      });
      await discovery.refresh();
      return sourceView(source);
    },

    updateSource: async (context, { params, body }) => {
      const before = await foundSource(params.id);
      requireCurrent(before, body.version);
      requireGoodSource({ kind: before.kind, parameters: body.parameters });
      // INVARIANT: which tags grant is part of what rules grant.
      const protects = body.protectedTags.some((tag) => !before.protectedTags.includes(tag));
      if (
        protects &&
        !context.permissions.has('access.write') &&
        givesRights((await store.now.discovery.rules()).rules)
      )
        throw new Fault('FORBIDDEN', 'more protected tags need the permission access.write where rules give rights');
      const after = await settlements.write(async (tx) => {
        const updated = await tx.discovery.updateSource({ ...before, ...body, updatedAt: clock.now() });
        const event = {
          action: 'source.updated',
          ...actorOf(context),
          object: { kind: 'source', id: updated.id, name: updated.name },
          outcome: 'success',
          detail: { enabled: updated.enabled, protectedTags: updated.protectedTags.join(', ') },
        } as const;
        return { result: updated, events: [event] };
      });
      await discovery.refresh();
      return sourceView(after);
    },

    deleteSource: async (context, { params }) => {
      const source = await foundSource(params.id);
      if (source.enabled) throw new Fault('CONFLICT', 'switch the source off before you remove it');
      await settlements.write(async (tx) => {
        await withdrawMarks(tx, source.id, clock.now());
        await tx.discovery.deleteSource(source.id);
        await tx.commands.post({ kind: 'recheck-all' }, clock.now());
        const object = { kind: 'source', id: source.id, name: source.name };
        const event = { action: 'source.deleted', ...actorOf(context), object, outcome: 'success' } as const;
        return { result: undefined, events: [event] };
      });
      return undefined;
    },

    listSourceScopes: async (_context, { params }) => {
      const source = await foundSource(params.id);
      const [counts, troubles] = await Promise.all([
        store.now.discovery.countFound(source.id),
        store.now.discovery.listTroubles(source.id),
      ]);
      const around = { source, counts, troubles, now: clock.now() };
      return { items: (await store.now.discovery.listScopes(source.id)).map((scope) => scopeView(scope, around)) };
    },

    getOnboarding: async (_context, { params }) => {
      const source = await foundSource(params.id);
      return {
        files: (discovery.types.get(source.kind)?.onboarding?.(source) ?? []).map((file) => ({
          ...file,
          commands: [...file.commands],
        })),
      };
    },

    sweepSource: async (context, { params }) => {
      const source = await foundSource(params.id);
      const results = await discovery.sweepNow(source.id);
      const count = (wanted: string): number => results.filter(({ outcome }) => outcome === wanted).length;
      const summary = {
        complete: count('complete'),
        held: count('held'),
        failed: count('failed'),
        changes: results.reduce((sum, { changes }) => sum + changes.length, 0),
        seen: results.reduce((sum, { seen }) => sum + seen, 0),
      };
      await audit.append({
        action: 'source.swept',
        ...actorOf(context),
        object: { kind: 'source', id: source.id, name: source.name },
        outcome: summary.failed > 0 ? 'failure' : 'success',
        detail: summary,
      });
      return summary;
    },

    listHeldRemovals: async (_context, { params, query }) => {
      const { account, region, cursor = '0', limit = 100 } = query;
      const scope = (await store.now.discovery.listScopes(params.id)).find(
        (one) => one.account === account && one.region === region,
      );
      if (scope === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
      const from = Number.parseInt(cursor, 10) || 0;
      const ids = scope.held.slice(from, from + limit);
      const found = await store.now.discovery.found(params.id, [{ scope, nativeIds: ids }]);
      const byId = new Map(found.map((machine) => [machine.nativeId, machine]));
      return {
        items: ids.map((id) => heldView(id, byId.get(id))),
        ...(from + limit < scope.held.length ? { next: String(from + limit) } : {}),
      };
    },

    acceptRemovals: async (context, { params, body }) => {
      const source = await foundSource(params.id);
      const find = async (): Promise<ScopeRecord | undefined> =>
        (await store.now.discovery.listScopes(source.id)).find(
          ({ account, region }) => account === body.account && region === body.region,
        );
      const scope = await find();
      if (scope === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
      const changes = await discovery.acceptRemovals(source, scope, body.machines);
      await audit.append({
        action: 'source.removals-accepted',
        ...actorOf(context),
        object: { kind: 'source', id: source.id, name: source.name },
        outcome: 'success',
        detail: {
          account: scope.account,
          region: scope.region,
          machines: new Set(changes.map(({ nativeId }) => nativeId)).size,
        },
      });
      const counts = await store.now.discovery.countFound(source.id);
      const troubles = await store.now.discovery.listTroubles(source.id);
      return scopeView((await find()) ?? scope, { source, counts, troubles, now: clock.now() });
    },

    previewDiscovery: async (context, { body }) => {
      const rules = body.rules ?? (await store.now.discovery.rules()).rules;
      await requireGoodRules(rules);
      if (body.known === true) {
        if (body.sourceId !== undefined) await foundSource(body.sourceId);
        return previewView(await discovery.previewKnown(body.sourceId, { rules, scopes: body.scopes }));
      }
      if (body.source !== undefined) requireGoodSource(body.source);
      const draft = body.source && { id: 'src_draft', version: 1, createdAt: 0, updatedAt: 0, ...body.source };
      const saved = body.sourceId === undefined ? undefined : await foundSource(body.sourceId);
      const record = saved === undefined ? draft : { ...saved, ...body.source };
      if (record === undefined) throw new Fault('INVALID_REQUEST', 'name a source, or give one');
      const preview = previewView(await discovery.preview(record, { rules, scopes: body.scopes }));
      const { appears, changes, goes, scopes, rest } = preview;
      await audit.append({
        action: 'source.previewed',
        ...actorOf(context),
        object: { kind: 'source', id: record.id, name: record.name },
        outcome: 'success',
        detail: { scopes, left: rest.length, appears, changes, goes, failures: preview.failures.length },
      });
      return preview;
    },

    listDiscoveryChanges: async (_context, { query }) => {
      const { items, next } = await store.now.discovery.listChanges({ ...query, limit: query.limit ?? 100 });
      return { items: items.map(changeView), ...(next === undefined ? {} : { next }) };
    },

    getRules: async () => structuredClone(await store.now.discovery.rules()) as never,

    setRules: async (context, { body }) => {
      await requireGoodRules(body.rules);
      const { rules: before, version } = await store.now.discovery.rules();
      // What is compared here is what is replaced.
      requireCurrent({ version }, body.version);
      // INVARIANT: who may not grant does not grant by rules either.
      if (!context.permissions.has('access.write') && grantsIn(before) !== grantsIn(body.rules))
        throw new Fault('FORBIDDEN', 'rules that give rights need the permission access.write');
      const { grants, ...saved } = await discovery.saveRules(body.rules, {
        version: body.version,
        by: context.identity.user.id,
        withdrawnBy: actorOf(context),
      });
      for (const grant of await named(store.now, grants.added))
        await audit.append(grantEvent('grant.created', grant, actorOf(context)));
      await audit.append({
        action: 'rules.updated',
        ...actorOf(context),
        object: { kind: 'rules', id: 'discovery' },
        outcome: 'success',
        detail: { rules: body.rules.length, version: saved.version, changed: saved.changed },
      });
      return saved;
    },

    explainTarget: async (_context, { params }) => {
      const target = await store.now.catalog.findTarget(params.id);
      const found = target && (await store.now.discovery.findByTarget(target.id));
      if (target === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
      if (found === undefined)
        return { origin: isDiscovered(target) ? 'source-removed' : 'by-hand', addedAt: target.createdAt };
      const source = await foundSource(found.sourceId);
      const scopes = await store.now.discovery.listScopes(source.id);
      const scope = scopes.find(
        ({ account, region }) => account === found.scope.account && region === found.scope.region,
      );
      return explain({ source, scope, found }, target);
    },
  };
}
