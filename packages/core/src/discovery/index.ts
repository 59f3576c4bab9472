export { nameKeyOf, namesFor } from './catalog-batch.ts';
export { CatalogUpdater } from './catalog-updater.ts';
export type { ChangeCause, ChangeKind, DiscoveryChange } from './scope-news.ts';
export { CatalogWriter } from './catalog-writer.ts';
export { externalIdOf } from './discovery-source.ts';
export type {
  Admission,
  Delivery,
  DiscoverySource,
  Hint,
  HintQueue,
  ListedScope,
  MachineAccess,
  MachineFacts,
  MachineReference,
  MachineState,
  NamedScope,
  OnboardingFile,
  Scope,
  Sighting,
  SourceId,
  SourceKind,
  SourceManifest,
  SourceRecord,
  SourceType,
} from './discovery-source.ts';
export { boundedFacts, entriesOf, targetIdsOf, withKnownName } from './found-machine.ts';
export type { CatalogEntry, FoundMachine, FoundMachineId, Projection } from './found-machine.ts';
export { processDeliveries } from './hint-processor.ts';
export type { ProcessResult, RefusalReason } from './hint-processor.ts';
export {
  GRANTED_BY,
  INPUT_RECORDING,
  isDiscovered,
  isReserved,
  PLACED_BY_TAG,
  TAG_PREFIX,
  TRUSTED_PREFIX,
} from './labels.ts';
export { PROTOCOL_TAG, projectMachine } from './projection.ts';
export type { Omission, Projected, ProjectedMachine, ProjectionParts } from './projection.ts';
export { NAME_TAG, plainText } from './rule.ts';
export type { Rule } from './rule.ts';
export { takeListing } from './scope-listing.ts';
export type { ListingResult } from './scope-listing.ts';
export { problemOf, TROUBLE_LASTS_MS } from './scope-record.ts';
export type { Problem, ScopeRecord, Trouble, TroublePart } from './scope-record.ts';
export { MISSING_GRACE_MS, sweepRetired, sweepScope } from './sweep.ts';
export type { SweepResult } from './sweep.ts';
