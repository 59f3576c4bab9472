export type {
  FileAttributes,
  CreateFileOptions,
  FileChannel,
  FileEntry,
  FileKind,
  FileWriter,
  OpenedFile,
  PathBytes,
  ReadFileOptions,
} from './files.ts';
export { checkPath, joinPath, pathText, splitPath } from './file-path.ts';
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
export { changedFields, checkParameters } from './parameters.ts';
export { isStreamed } from './protocol-engine.ts';
export type {
  AnyEngine,
  ClipboardFile,
  ClipboardRights,
  ConnectContext,
  ConnectStep,
  DisplaySize,
  EngineContext,
  EngineFacts,
  EngineSession,
  EngineSink,
  EngineStream,
  Hop,
  MachineInFile,
  Prompt,
  PromptField,
  ProtocolEngine,
  Seat,
  SeatEvent,
  SessionEnd,
  StreamedSession,
} from './protocol-engine.ts';
