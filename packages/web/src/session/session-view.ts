import type { ServerFrame } from '@enchilada/contract';
import type { ConnectStep } from '@enchilada/core/engine';
import { FAULTS, type FaultCode } from '@enchilada/core/fault';
import type { EndedFrame, LinkState } from './session-connection.ts';

export const CONNECT_STEPS = [
  'name',
  'route',
  'port',
  'handshake',
  'host-identity',
  'credential',
  'shell',
] as const satisfies readonly ConnectStep[];

export type StepState = 'done' | 'now' | 'failed' | 'ahead';
export type PromptFrame = Extract<ServerFrame, { readonly type: 'prompt' }>;
export type HostKeyFrame = Extract<ServerFrame, { readonly type: 'host-key' }>;

export interface SessionView {
  readonly link: LinkState;
  readonly phase: 'opening' | 'live' | 'ended';
  readonly step: ConnectStep | undefined;
  /** The machine that the step is about: a hop on the way, or the target. */
  readonly hop: string | undefined;
  readonly questions: readonly (PromptFrame | HostKeyFrame)[];
  /** Undefined until the gateway has said so. */
  readonly recorded: boolean | undefined;
  readonly viewers: readonly { readonly user: string; readonly mode: 'control' | 'watch' }[];
  readonly roundTripMs: number | undefined;
  readonly facts: Readonly<Record<string, string>>;
  /** In which directions text may be moved between the clipboards, as far as the machine has one of its own. */
  readonly clipboard: { readonly upload: boolean; readonly download: boolean };
  /** The same of files. */
  readonly clipboardFiles: { readonly upload: boolean; readonly download: boolean };
  /** In which directions files may be moved; undefined where the session has none. */
  readonly files: Omit<Extract<ServerFrame, { readonly type: 'files' }>, 'type'> | undefined;
  readonly notice: Extract<ServerFrame, { readonly type: 'notice' }> | undefined;
  readonly ended: EndedFrame | undefined;
  readonly error: unknown;
}

export const START: SessionView = {
  link: 'connecting',
  phase: 'opening',
  step: undefined,
  hop: undefined,
  questions: [],
  recorded: undefined,
  viewers: [],
  roundTripMs: undefined,
  facts: {},
  clipboard: { upload: false, download: false },
  clipboardFiles: { upload: false, download: false },
  files: undefined,
  notice: undefined,
  ended: undefined,
  error: undefined,
};

/** Nothing comes of it any more: it ended, or never was. */
export function isOver(view: SessionView): boolean {
  return view.link === 'ended' || view.link === 'failed';
}

/** Why a session ended is a fault's code or a word of its own. */
export function isFaultCode(reason: string): reason is FaultCode {
  return Object.hasOwn(FAULTS, reason);
}

const ENDS_OF_ONE_PAGE: readonly string[] = ['VIEWER_LIMIT', 'VIEWER_REPLACED', 'VIEWER_STALLED'];

/** Only this page's part in it is over. */
export function goesOn(view: SessionView): boolean {
  return view.ended !== undefined && ENDS_OF_ONE_PAGE.includes(view.ended.reason);
}

export type SessionAct =
  | { readonly type: 'frame'; readonly frame: ServerFrame }
  | { readonly type: 'link'; readonly state: LinkState; readonly error?: unknown }
  /** Learnt from its record: the page had lost its link when it ended. */
  | {
      readonly type: 'found-ended';
      readonly reason: string;
      readonly detail: string | undefined;
      readonly opened: boolean;
    }
  | { readonly type: 'round-trip'; readonly milliseconds: number }
  | { readonly type: 'answered'; readonly id: string }
  | { readonly type: 'notice-read' };

export function sessionView(view: SessionView, act: SessionAct): SessionView {
  switch (act.type) {
    case 'link':
      // A new attachment is told its open questions again.
      return {
        ...view,
        link: act.state,
        error: act.error,
        ...(act.state === 'lost' ? { questions: [], roundTripMs: undefined } : {}),
      };
    case 'found-ended': {
      if (view.ended !== undefined) return view;
      const { reason, detail } = act;
      const code = !act.opened && isFaultCode(reason) ? reason : undefined;
      const step = code && STEP_OF_FAULT[code];
      const ended: EndedFrame = {
        ...{ type: 'ended', reason },
        ...(detail === undefined ? {} : { detail }),
        ...(code === undefined || step === undefined ? {} : { fault: { code, facts: {}, step } }),
      };
      return { ...framed(view, ended), link: 'ended', error: undefined };
    }
    case 'round-trip':
      return { ...view, roundTripMs: Math.round(act.milliseconds) };
    case 'answered':
      return { ...view, questions: view.questions.filter((question) => question.id !== act.id) };
    case 'notice-read':
      return { ...view, notice: undefined };
    case 'frame':
      return framed(view, act.frame);
  }
}

function framed(view: SessionView, frame: ServerFrame): SessionView {
  switch (frame.type) {
    case 'state':
      return { ...view, phase: frame.state === 'live' || frame.state === 'grace' ? 'live' : 'opening' };
    case 'progress':
      return { ...view, step: frame.step, hop: frame.target };
    case 'prompt':
    case 'host-key':
      return { ...view, questions: [...view.questions.filter((question) => question.id !== frame.id), frame] };
    case 'watched':
      return { ...view, viewers: frame.viewers };
    case 'recording':
      return { ...view, recorded: frame.on };
    case 'facts':
      return { ...view, facts: frame.facts };
    case 'clipboard':
      return {
        ...view,
        clipboard: { upload: frame.upload, download: frame.download },
        clipboardFiles: frame.files ?? START.clipboardFiles,
      };
    case 'files': {
      const { type: _type, ...files } = frame;
      return { ...view, files };
    }
    case 'notice':
      return { ...view, notice: frame };
    case 'ended':
      return { ...view, phase: 'ended', ended: frame, questions: [] };
    case 'pong':
      return view;
  }
}

/** How far the connection came, a state for each step of the path. */
export function stepStates(
  reached: ConnectStep | undefined,
  failed: ConnectStep | 'none',
): readonly (readonly [ConnectStep, StepState])[] {
  const at =
    failed !== 'none' ? CONNECT_STEPS.indexOf(failed) : reached === undefined ? 0 : CONNECT_STEPS.indexOf(reached);
  return CONNECT_STEPS.map((step, index) => [
    step,
    index < at ? 'done' : index > at ? 'ahead' : failed === 'none' ? 'now' : 'failed',
  ]);
}

/** Where the path broke: as the gateway says, else at the last step that was reached. `none` where the session had opened. */
export function failedStep(view: SessionView): ConnectStep | 'none' {
  if (view.ended?.fault === undefined) return 'none';
  if (view.ended.fault.step !== undefined) return view.ended.fault.step;
  return OPENING_FAULTS.test(view.ended.fault.code) ? (view.step ?? 'name') : 'none';
}

/** At which step a session that never opened failed; its record holds no step, and not every reason has one alone. */
const STEP_OF_FAULT: Readonly<Partial<Record<FaultCode, ConnectStep>>> = {
  TARGET_NAME_NOT_FOUND: 'name',
  TARGET_NO_ROUTE: 'route',
  TARGET_EGRESS_DENIED: 'route',
  TARGET_REFUSED: 'port',
  TARGET_PROTOCOL_VIOLATION: 'handshake',
  TARGET_NO_COMMON_ALGORITHM: 'handshake',
  TARGET_CLEARTEXT_REFUSED: 'handshake',
  HOST_KEY_UNKNOWN: 'host-identity',
  HOST_KEY_CHANGED: 'host-identity',
  HOST_KEY_REJECTED: 'host-identity',
  CREDENTIAL_MISSING: 'credential',
  CREDENTIAL_REFUSED: 'credential',
  SHELL_REFUSED: 'shell',
};

const OPENING_FAULTS = /^(?:TARGET_(?:NAME|NO_|REFUSED|TIMED|EGRESS|PROTOCOL)|HOST_KEY_|CREDENTIAL_|PROMPT_|SHELL_)/u;
