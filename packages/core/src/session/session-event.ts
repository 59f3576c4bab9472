import type { ConnectStep, EngineFacts, Prompt } from '../engine/index.ts';
import type { FaultCode, FaultFacts } from '../fault/index.ts';
import type { EndReason, LiveState, ViewerMode } from './session.ts';

/** What a viewer is told beside the surface's bytes; the control socket carries these as JSON, one a frame. */
export type SessionEvent =
  | { readonly type: 'state'; readonly state: LiveState }
  | { readonly type: 'progress'; readonly step: ConnectStep; readonly target: string }
  | ({ readonly type: 'prompt'; readonly id: string } & Prompt)
  | {
      readonly type: 'host-key';
      readonly id: string;
      readonly target: string;
      readonly keyType: string;
      readonly fingerprint: string;
    }
  | { readonly type: 'watched'; readonly viewers: readonly { readonly user: string; readonly mode: ViewerMode }[] }
  | { readonly type: 'recording'; readonly on: boolean }
  | { readonly type: 'facts'; readonly facts: EngineFacts }
  /** In which directions text may move between the person's clipboard and the machine's; `files`: where it can hold them, the same of those. */
  | {
      readonly type: 'clipboard';
      readonly upload: boolean;
      readonly download: boolean;
      readonly files?: { readonly upload: boolean; readonly download: boolean };
    }
  /** Files can be reached, and in which directions the person may move them; `machine` is named where they are on another one. */
  | { readonly type: 'files'; readonly upload: boolean; readonly download: boolean; readonly machine?: string }
  | { readonly type: 'notice'; readonly code: SessionNotice; readonly seconds?: number }
  | { readonly type: 'pong'; readonly sentAt: number }
  | EndedEvent;

export interface EndedEvent {
  readonly type: 'ended';
  readonly reason: EndReason;
  readonly exitCode?: number;
  readonly exitSignal?: string;
  readonly detail?: string;
  readonly fault?: { readonly code: FaultCode; readonly step?: ConnectStep; readonly facts: FaultFacts };
}

export type SessionNotice =
  | 'idle-soon'
  | 'expires-soon'
  /** The time for which the access was given ends. */
  | 'access-ends-soon'
  | 'view-only'
  | 'no-viewer-limit'
  /** The node is shutting down; the session ends after `seconds`. */
  | 'node-draining';

/** What a viewer may say on the control socket. */
export type ViewerMessage =
  | { readonly type: 'resize'; readonly columns: number; readonly rows: number }
  | { readonly type: 'answer'; readonly id: string; readonly answers: readonly string[] }
  | { readonly type: 'host-key-answer'; readonly id: string; readonly accept: boolean }
  | { readonly type: 'cancel'; readonly id: string }
  | { readonly type: 'ping'; readonly sentAt: number }
  | { readonly type: 'end' };
