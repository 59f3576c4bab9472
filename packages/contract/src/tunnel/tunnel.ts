import type { SessionEvent, ViewerMessage, ViewerWindow } from '@enchilada/core/session';

/**
 * A session has two WebSockets (RFC 6455). The data socket carries the surface's bytes and nothing else, as binary messages.
 * The control socket carries one JSON object a text message. Each opens with a ticket of its own in `Sec-WebSocket-Protocol`,
 * so that no secret is ever part of a URL.
 */
export const SUBPROTOCOL = 'enchilada.v1';
export const TICKET_PREFIX = 'ticket.';

export type TunnelKind = 'data' | 'control';
export type ServerFrame = SessionEvent;

export interface TunnelLocation {
  readonly sessionId: string;
  readonly kind: TunnelKind;
}

export function tunnelProtocols(ticket: string): readonly string[] {
  return [SUBPROTOCOL, TICKET_PREFIX + ticket];
}

/** Path of a tunnel; the control socket also tells the size of its screen, and which page asks. */
export function tunnelPath(
  location: TunnelLocation,
  size?: { readonly columns: number; readonly rows: number },
  window?: ViewerWindow,
): string {
  const page = window === undefined ? '' : `&window=${window.id}&returns=${window.returns ? 1 : 0}`;
  const query = size === undefined ? '' : `?columns=${size.columns}&rows=${size.rows}${page}`;
  return `/api/v1/sessions/${encodeURIComponent(location.sessionId)}/${location.kind}${query}`;
}

/** The ticket in a `Sec-WebSocket-Protocol` header; undefined unless our protocol and exactly one well-formed ticket are offered. */
export function ticketOf(header: string | undefined): string | undefined {
  const offered = (header ?? '').split(',').map((entry) => entry.trim());
  const tickets = offered.filter((entry) => entry.startsWith(TICKET_PREFIX));
  if (!offered.includes(SUBPROTOCOL) || tickets.length !== 1) return undefined;
  const ticket = tickets[0]?.slice(TICKET_PREFIX.length) ?? '';
  return /^[a-z2-7]{52}$/u.test(ticket) ? ticket : undefined;
}

const MOST_ANSWERS = 16;
const LONGEST_ANSWER = 8_192;

function isCount(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;
}

function isShort(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 64;
}

/** A control message of a viewer; undefined when it is not exactly one of the known shapes. */
export function parseViewerMessage(text: string): ViewerMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { type, id, columns, rows, answers, accept, sentAt } = value as Record<string, unknown>;
  switch (type) {
    case 'resize':
      return isCount(columns, 1_000) && isCount(rows, 1_000) ? { type, columns, rows } : undefined;
    case 'answer': {
      if (!isShort(id) || !Array.isArray(answers) || answers.length > MOST_ANSWERS) return undefined;
      const texts: readonly unknown[] = answers;
      return texts.every((text): text is string => typeof text === 'string' && text.length <= LONGEST_ANSWER)
        ? { type, id, answers: texts }
        : undefined;
    }
    case 'host-key-answer':
      return isShort(id) && typeof accept === 'boolean' ? { type, id, accept } : undefined;
    case 'cancel':
      return isShort(id) ? { type, id } : undefined;
    case 'ping':
      return typeof sentAt === 'number' && Number.isFinite(sentAt) ? { type, sentAt } : undefined;
    case 'end':
      return { type };
    default:
      return undefined;
  }
}
