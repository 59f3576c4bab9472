import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { problemFrom } from '@enchilada/core/notification';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import { ApiFault } from '../api/http.ts';
import type { MessageKey } from '../i18n/catalogue.ts';
import { deliverySentence } from './delivery-problem.ts';
import { useText, type Text as Words } from '../i18n/text.tsx';

export interface PresentedFault {
  readonly title: string;
  readonly next: string;
  readonly reference: string | undefined;
}

/** A failure in the person's words. What the code does not name is INTERNAL. */
export function presentFault(error: unknown, text: Words): PresentedFault {
  const fault = error instanceof ApiFault ? error : new ApiFault({ code: 'INTERNAL', status: 0 });
  const detail = fault.detail === '' ? fault.code : fault.detail;
  return {
    title: text(`fault.${fault.code}` as MessageKey),
    next:
      deliveryNext(fault, text) ?? text(`fault.${fault.code}.next` as MessageKey, { ...plain(fault.facts), detail }),
    reference: fault.reference,
  };
}

/** One code for all that keeps news from arriving; its facts say what. */
function deliveryNext({ code, facts }: ApiFault, text: Words): string | undefined {
  const problem = code === 'NOTIFICATION_FAILED' ? problemFrom(facts) : undefined;
  return problem && deliverySentence(problem, text);
}

function plain(facts: ApiFault['facts']): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, typeof value === 'boolean' ? String(value) : value]),
  );
}

export function FaultNotice(props: {
  readonly error: unknown;
  /** What to do, where the page knows better than the fault. */
  readonly next?: string | undefined;
  readonly onRetry?: () => void;
}) {
  const text = useText();
  const fault = presentFault(props.error, text);
  return (
    <Alert
      role="alert"
      variant="default"
      className="fault"
      icon={<IconAlertTriangle aria-hidden size={18} />}
      title={fault.title}
      styles={{ title: { color: 'var(--bad)' }, icon: { color: 'var(--bad)' } }}
    >
      <Stack gap="xs">
        <Text size="sm">{props.next ?? fault.next}</Text>
        {(fault.reference !== undefined || props.onRetry !== undefined) && (
          <Group gap="sm">
            {props.onRetry !== undefined && (
              <Button
                size="xs"
                variant="default"
                leftSection={<IconRefresh aria-hidden size={14} />}
                onClick={props.onRetry}
              >
                {text('common.try-again')}
              </Button>
            )}
            {fault.reference !== undefined && (
              <Text size="xs" c="dimmed">
                {text('common.reference')} <span className="mono">{fault.reference}</span>
              </Text>
            )}
          </Group>
        )}
      </Stack>
    </Alert>
  );
}

export function notifyFault(error: unknown, text: Words): void {
  const fault = presentFault(error, text);
  const reference = fault.reference === undefined ? '' : ` ${text('common.reference')} ${fault.reference}`;
  notifications.show({
    title: fault.title,
    message: `${fault.next}${reference}`,
    color: 'red',
    icon: <IconAlertTriangle aria-hidden size={16} />,
    autoClose: 10_000,
  });
}
