import type { NotificationEndpoint } from '@enchilada/contract';
import { printable } from '../components/printable.ts';
import type { Text } from '../i18n/text.tsx';

type DeliveryProblem = NonNullable<NotificationEndpoint['problem']>;

/** Why a notification did not arrive and what to do next; undefined where only its own words are known. */
export function deliverySentence({ reason, host, status }: DeliveryProblem, text: Text): string | undefined {
  if (reason === 'other') return undefined;
  return text(`notifications.problem-${reason}`, {
    host: printable(host ?? '–'),
    status: status ?? '–',
  });
}

/** The sentence, or the words that an earlier version stored. */
export function deliveryWords(problem: DeliveryProblem, text: Text): string {
  return deliverySentence(problem, text) ?? printable(problem.detail ?? '');
}
