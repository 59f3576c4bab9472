import type { Provider as ProviderView, ProviderRule as RuleView } from '@enchilada/contract';
import { permissionsOf } from '@enchilada/core/access';
import type { AuditAction, AuditEvent } from '@enchilada/core/audit';
import { Secret } from '@enchilada/core/credential';
import { checkParameters } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { ProviderRecord, ProviderRule, RefreshHealth } from '@enchilada/core/identity';
import { randomId } from '@enchilada/core/time';
import { actorOf, type Handlers, type SignedInContext } from '../http/context.ts';
import { backChannelPath } from '../http/provider-door.ts';
import type { ApiParts } from './api-parts.ts';
import { requireConsent, signedInOf } from './describe-me.ts';
import { requireSecretAnew } from './kept-secret.ts';
import { requireHeld } from './require-held.ts';
import { requireCurrent } from './require-current.ts';

type ProviderHandlers = Pick<
  Handlers,
  | 'startProviderSignIn'
  | 'completeProviderSignIn'
  | 'signInThroughProxy'
  | 'changeDirectoryPassword'
  | 'listProviderKinds'
  | 'listProviders'
  | 'createProvider'
  | 'updateProvider'
  | 'deleteProvider'
>;

function ruleView({ from, groupId, role }: ProviderRule): RuleView {
  return { from, ...(groupId === undefined ? {} : { groupId }), ...(role === undefined ? {} : { role }) };
}

function wrongField(field: string, message: string): Fault {
  return new Fault('INVALID_REQUEST', `${field} ${message}`, { facts: { field: `body/${field}` } });
}

function eventOf(context: SignedInContext, action: AuditAction, { id, name, ...record }: ProviderRecord): AuditEvent {
  return {
    action,
    ...actorOf(context),
    object: { kind: 'provider', id, name },
    outcome: 'success',
    detail: {
      kind: record.kind,
      enabled: record.enabled,
      admits: record.admits,
      trustsFactor: record.trustsFactor,
      rules: JSON.stringify(record.rules).slice(0, 2_000),
      parameters: JSON.stringify(record.parameters).slice(0, 2_000),
    },
  };
}

export function providerHandlers(parts: ApiParts): ProviderHandlers {
  const { store, settlements, clock, random, registry, providerPeople, signInAt, logins, settings } = parts;

  async function found(id: string): Promise<ProviderRecord> {
    const record = await store.now.providers.find(id);
    if (record === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return record;
  }

  function viewOf(record: ProviderRecord, people: number, refresh?: RefreshHealth): ProviderView {
    const { id, kind, name, admits, trustsFactor, enabled, version, createdAt, updatedAt } = record;
    const { way, answers } = registry.typeOf(kind).manifest;
    const { returnTo, answerTo, logoutTo, metadata } = signInAt.addresses(id);
    const inAddress = { returnTo, logoutTo: `${signInAt.publicUrl}${backChannelPath(id)}` };
    const addresses = answers === 'form' ? { returnTo: answerTo, logoutTo, metadata } : inAddress;
    return {
      ...{ id, kind, name, way, admits, trustsFactor, enabled, version, createdAt, updatedAt, people },
      parameters: Object.fromEntries(
        Object.entries(record.parameters).map(([key, value]) => [key, typeof value === 'object' ? [...value] : value]),
      ),
      rules: record.rules.map(ruleView),
      hasSecret: record.secret !== undefined,
      ...(refresh === undefined ? {} : { refresh }),
      ...(way === 'redirect' ? addresses : {}),
    };
  }

  /** Nobody hands out what they lack, not even through a rule (T14). */
  async function rulesOf(context: SignedInContext, rules: readonly RuleView[]): Promise<readonly ProviderRule[]> {
    const groups = new Set((await store.now.groups.list()).map(({ id }) => id));
    return rules.map(({ from, groupId, role }) => {
      if (groupId === undefined && role === undefined) throw wrongField('rules', 'must name a group or a role');
      if (groupId !== undefined && !groups.has(groupId)) throw wrongField('rules', 'name a group that does not exist');
      const missing = [...permissionsOf(role ?? 'user')].filter((permission) => !context.permissions.has(permission));
      if (missing.length > 0)
        throw new Fault('FORBIDDEN', `a rule gives permissions that you lack: ${missing.join(', ')}`);
      return { from, groupId, role };
    });
  }

  /** @throws Fault INVALID_REQUEST */
  async function requireGood(
    { id, kind, parameters }: Pick<ProviderRecord, 'id' | 'kind' | 'parameters'>,
    secret: string | undefined,
  ): Promise<void> {
    const type = registry.typeOf(kind);
    const [problem] = checkParameters(type.manifest, parameters);
    if (problem !== undefined) throw wrongField(`parameters/${problem.field}`, problem.message);
    await type.open({ id, parameters, secret: secret === undefined ? undefined : new Secret(secret) });
  }

  return {
    startProviderSignIn: async (context, { params, body }) => {
      requireConsent(settings, body.consent);
      return {
        url: await signInAt.begin(params.id, { next: body.next ?? '/', isFresh: body.fresh === true }, context),
      };
    },

    completeProviderSignIn: async (context, { params, body }) => {
      const { user, proof, next } = await signInAt.complete(params.id, body.answer, context);
      return { signedIn: await signedInOf(parts, await logins.create(user, context, proof)), next };
    },

    signInThroughProxy: async (context, { params, body }) => {
      requireConsent(settings, body.consent);
      const { user, proof } = await signInAt.readProxied(params.id, context);
      return signedInOf(parts, await logins.create(user, context, proof));
    },

    changeDirectoryPassword: async (context, { params, body }) => {
      const { username } = body;
      await signInAt.changePassword(
        { providerId: params.id, username, password: new Secret(body.password), next: new Secret(body.next) },
        context,
      );
      return undefined;
    },

    listProviderKinds: () =>
      Promise.resolve({
        items: [...registry.types.values()].map(({ manifest: { secretGoesBy, ...manifest } }) => ({
          ...manifest,
          ...(secretGoesBy === undefined ? {} : { secretGoesBy: [...secretGoesBy] }),
          parameters: manifest.parameters.map((field) =>
            field.kind === 'choice' ? { ...field, options: [...field.options] } : field,
          ),
        })),
      }),

    listProviders: async () => {
      const people = await store.now.providers.countIdentities();
      const health = await store.now.refreshTokens.health();
      const records = await store.now.providers.list();
      return { items: records.map((record) => viewOf(record, people.get(record.id) ?? 0, health.get(record.id))) };
    },

    // INVARIANT: a provider says who anybody is, administrators too: only who holds all that they do says where it is (T14).
    createProvider: async (context, { body }) => {
      requireHeld(context, 'administrator');
      const { secret, rules, ...fields } = body;
      const id = `idp_${randomId(random)}`;
      await requireGood({ ...fields, id }, secret);
      const now = clock.now();
      const record: ProviderRecord = {
        ...fields,
        id,
        rules: await rulesOf(context, rules),
        secret: secret === undefined ? undefined : await registry.seal(id, new Secret(secret)),
        version: 1,
        createdAt: now,
        updatedAt: now,
      };
      await settlements.write(async (tx) => {
        await tx.providers.insert(record);
        return { result: undefined, events: [eventOf(context, 'provider.created', record)] };
      });
      return viewOf(record, 0);
    },

    updateProvider: async (context, { params, body }) => {
      requireHeld(context, 'administrator');
      const { secret, rules, ...fields } = body;
      const before = await found(params.id);
      requireCurrent(before, body.version);
      await requireGood({ ...before, ...fields }, secret);
      const { parameters, secretGoesBy = [] } = registry.typeOf(before.kind).manifest;
      const places = parameters.filter(({ name }) => secretGoesBy.includes(name));
      requireSecretAnew(places, before, { secret, parameters: fields.parameters });
      const wanted = {
        ...before,
        ...fields,
        rules: await rulesOf(context, rules),
        secret: secret === undefined ? before.secret : await registry.seal(before.id, new Secret(secret)),
        updatedAt: clock.now(),
      };
      const after = await providerPeople.write(async (tx) => {
        const updated = await tx.providers.update(wanted);
        if (before.enabled && !updated.enabled) await signInAt.endAllOf(tx, updated.id);
        const event = eventOf(context, 'provider.updated', updated);
        return { result: updated, owed: { providerId: updated.id, event, everybody: true } };
      });
      await store.now.commands.post({ kind: 'recheck-all' }, clock.now());
      return viewOf(after, (await store.now.providers.countIdentities()).get(after.id) ?? 0);
    },

    deleteProvider: async (context, { params }) => {
      requireHeld(context, 'administrator');
      const record = await found(params.id);
      await settlements.write(async (tx) => {
        await signInAt.endAllOf(tx, record.id);
        const given = await tx.providers.listMemberships(record.id);
        await tx.providers.delete(record.id);
        await tx.commands.post({ kind: 'recheck-all' }, clock.now());
        const taken = given.map(({ userId, groupId }): AuditEvent => ({
          action: 'group.member-removed',
          ...actorOf(context),
          object: { kind: 'group', id: groupId },
          outcome: 'success',
          reason: 'the provider that gave it was deleted',
          detail: { userId, provider: record.id },
        }));
        return { result: undefined, events: [eventOf(context, 'provider.deleted', record), ...taken] };
      });
      return undefined;
    },
  };
}
