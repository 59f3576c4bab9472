import type { RouteOutput } from '@enchilada/contract';

export type Source = RouteOutput<'listSources'>['items'][number];
export type SourceKind = RouteOutput<'listSourceKinds'>['items'][number];
