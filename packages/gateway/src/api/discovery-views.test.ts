import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ScopeRecord, type Trouble, TROUBLE_LASTS_MS } from '@enchilada/core/discovery';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { scopeView, sourceViewOf } from './discovery-views.ts';

const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const MOMENT_MS = 1_000;

const aScope = (fields: Partial<ScopeRecord> = {}): ScopeRecord => ({
  ...{ sourceId: 'src_1', account: '111111111111', region: 'eu-west-1', accountName: 'Payments', held: [] },
  ...{ lastSweepAt: NOW - MOMENT_MS, lastEventAt: NOW - MOMENT_MS, eventLagMs: MOMENT_MS },
  ...{ staleSince: undefined, problem: undefined, heldSince: undefined },
  ...{ judgedBy: undefined, retiredAt: undefined, unannouncedAt: undefined },
  ...fields,
});
const around = { source: aSource(), counts: [], troubles: [], now: NOW };

describe('a scope on the page', () => {
  it('is late where its listing is overdue, its events come minutes late, or a listing saw what none had announced', () => {
    const late = (fields: Partial<ScopeRecord>) => scopeView(aScope(fields), around).late;
    assert.deepEqual(late({}), []);
    assert.deepEqual(late({ lastEventAt: NOW - HOUR_MS }), [], 'a quiet account has no events to be late');
    assert.deepEqual(late({ lastSweepAt: NOW - HOUR_MS }), ['listing']);
    assert.deepEqual(late({ eventLagMs: HOUR_MS }), ['events']);
    assert.deepEqual(late({ unannouncedAt: NOW + 1 }), ['unannounced']);
    assert.deepEqual(late({ unannouncedAt: NOW - HOUR_MS }), [], 'events have come since');
    assert.deepEqual(late({ unannouncedAt: NOW, lastEventAt: undefined }), ['unannounced']);
    const quiet = { lastEventAt: NOW - 30 * HOUR_MS, eventLagMs: HOUR_MS };
    assert.deepEqual(late(quiet), [], 'nothing has come since that would say that all is well');
    assert.deepEqual(late({ ...quiet, unannouncedAt: NOW - 29 * HOUR_MS - 1 }), [], 'its event came after the listing');
    assert.deepEqual(late({ ...quiet, unannouncedAt: NOW - 28 * HOUR_MS }), [], 'no machine was launched for a day');
    assert.deepEqual(late({ ...quiet, unannouncedAt: NOW - HOUR_MS }), ['unannounced']);
    assert.deepEqual(late({ lastSweepAt: NOW - HOUR_MS, retiredAt: NOW }), []);
    const source = aSource({ enabled: false });
    assert.deepEqual(scopeView(aScope({ lastSweepAt: NOW - HOUR_MS }), { ...around, source }).late, []);
  });

  it('is stale while the regions of its account cannot be listed, whatever its own listing says', () => {
    const problem = { code: 'DISCOVERY_DENIED', detail: 'ec2:DescribeRegions was refused' } as const;
    const trouble: Trouble = { part: 'regions', account: '111111111111', since: NOW - 7, seenAt: NOW - 5, problem };
    const view = (troubles: readonly Trouble[], account = trouble.account) => {
      const { staleSince, problem: shown } = scopeView(aScope({ account }), { ...around, troubles });
      return [staleSince, shown];
    };
    assert.deepEqual(view([trouble]), [NOW - 7, problem]);
    assert.deepEqual(view([trouble], '222222222222'), [undefined, undefined]);
    assert.deepEqual(view([{ ...trouble, seenAt: NOW - TROUBLE_LASTS_MS - 1 }]), [undefined, undefined]);
    const scopes = [aScope(), aScope({ region: 'us-east-1', retiredAt: NOW })];
    const source = sourceViewOf(around.source, { ...around, troubles: [trouble], scopes, externalId: 'x' });
    assert.deepEqual([source.scopes, source.retiredScopes, source.staleScopes, source.troubles.length], [1, 1, 1, 1]);
  });
});
