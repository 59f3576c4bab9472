import { bindingOf } from './envelope.ts';

const TABLES = {
  credential: 'credential',
  'authority-key': 'authority_key',
  'refresh-token': 'refresh_token',
  'personal-key': 'personal_key',
} as const;

/** What the envelope in a row is bound to, for whoever wraps its data key anew. */
export function bindingOfEnvelope(kind: keyof typeof TABLES, id: string, version: number): string {
  return bindingOf(TABLES[kind], id, version);
}
