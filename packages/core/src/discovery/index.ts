export { needsApproval } from './breaker.ts';
export { CatalogUpdater } from './catalog-updater.ts';
export type { ChangeCause, ChangeKind, DiscoveryChange, ScopeNews, UpdaterParts } from './catalog-updater.ts';
export { externalIdOf, MACHINE_STATES } from './discovery-source.ts';
export type {
  Delivery,
  DiscoverySource,
  Hint,
  HintQueue,
  MachineFacts,
  MachineState,
  NamedScope,
  Scope,
  Sighting,
  SourceId,
  SourceKind,
  SourceManifest,
  SourceRecord,
  SourceType,
} from './discovery-source.ts';
export { boundedFacts, effectOf, sameFacts } from './found-machine.ts';
export type { FoundMachine, FoundMachineId, Projection, SightingEffect } from './found-machine.ts';
export { processDeliveries } from './hint-processor.ts';
export type { ProcessorParts, ProcessResult } from './hint-processor.ts';
export { isReserved, PLACED_BY_TAG, TAG_PREFIX, TRUSTED_PREFIX } from './labels.ts';
export { mergeProjection, project } from './projection.ts';
export type { Omission, Projected, ProjectedFields, ProjectionParts } from './projection.ts';
export { decide, expandTemplate, groupPath, machineName, matchesPattern, plainText } from './rule.ts';
export type { Candidate, Rule, RuleDecision, RuleMatch, RuleOutcome, RuleTrace } from './rule.ts';
export type { ScopeRecord } from './scope-record.ts';
export { MISSING_GRACE_MS, sweepScope } from './sweep.ts';
export type { SweepParts, SweepResult } from './sweep.ts';
