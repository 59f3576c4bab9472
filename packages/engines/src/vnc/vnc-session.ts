import type { StreamedSession } from '@enchilada/core/engine';
import { clipboardOf, DesktopSession } from '../shared/index.ts';
import type { Desktop } from './connect-desktop.ts';
import { DesktopStream } from './desktop-stream.ts';
import { HeldDesktop } from './held-desktop.ts';
import type { VncParameters } from './vnc-manifest.ts';

export interface VncSessionParts {
  readonly parameters: VncParameters;
  readonly signal: AbortSignal;
  /** A further connection to the same desktop. @throws Fault */
  readonly connect: () => Promise<Desktop>;
  /** Closed with the session. */
  readonly passage: AsyncDisposable;
}

export function vncSession(first: Desktop, parts: VncSessionParts): StreamedSession {
  const { parameters, signal, connect, passage } = parts;
  return new DesktopSession(new HeldDesktop(first), {
    ...{ facts: first.facts, clipboard: clipboardOf(parameters), signal, passage },
    connect: async () => new HeldDesktop(await connect()),
    streamOf: (desktop, seat) => new DesktopStream(desktop, seat, parameters),
  });
}
