export { SURFACES } from './manifest.ts';
export type {
  EngineManifest,
  LocalizedText,
  ParameterField,
  ParameterValue,
  ParameterValues,
  ProtocolId,
  SurfaceKind,
} from './manifest.ts';
export { checkParameters } from './parameters.ts';
export type { ParameterProblem } from './parameters.ts';
export type {
  ConnectStep,
  DisplaySize,
  EngineContext,
  EngineFacts,
  EngineSession,
  EngineSink,
  Hop,
  Prompt,
  PromptField,
  ProtocolEngine,
  SessionEnd,
  SurfaceControl,
} from './protocol-engine.ts';
