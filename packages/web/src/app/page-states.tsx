import { Button, Container, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { ApiFault } from '../api/http.ts';

export function PagePending() {
  const text = useText();
  return (
    <Stack p="lg" gap="sm" role="status" aria-label={text('common.loading')}>
      <Skeleton height={28} width={220} />
      {Array.from({ length: 8 }, (_, index) => (
        <Skeleton key={index} height={40} />
      ))}
    </Stack>
  );
}

export function PageFault(props: { readonly error: unknown; readonly onRetry: () => void }) {
  const text = useText();
  return (
    <Container size="sm" py="xl" component="main">
      <Title order={1} mb="md">
        {text('page.error')}
      </Title>
      <FaultNotice error={props.error} onRetry={props.onRetry} />
    </Container>
  );
}

export function PageMissing() {
  const text = useText();
  return (
    <Container size="sm" py="xl" component="main">
      <Title order={1} mb="md">
        {text('page.missing')}
      </Title>
      <FaultNotice error={new ApiFault({ code: 'NOT_FOUND', status: 404 })} />
      <Button component="a" href="/" mt="md">
        {text('page.to-machines')}
      </Button>
    </Container>
  );
}

/** Says what will appear here and how it comes to be. */
export function EmptyState(props: {
  readonly icon: ReactNode;
  readonly title: string;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}) {
  return (
    <Stack align="center" gap="xs" py={56} px="md" ta="center">
      <span className="empty-icon" aria-hidden>
        {props.icon}
      </span>
      <Title order={2}>{props.title}</Title>
      <Text c="dimmed" size="sm" maw={440} className="empty-text">
        {props.children}
      </Text>
      {props.action !== undefined && props.action !== false && <div className="empty-action">{props.action}</div>}
    </Stack>
  );
}
