import { Button, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { ApiFault } from '../api/http.ts';
import type { Me } from '../api/me.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { Enrolment } from '../second-factor/enrolment.tsx';
import { FactorChallenge } from '../second-factor/factor-challenge.tsx';
import { factorsQuery } from '../second-factor/step-up.tsx';
import { useText } from '../i18n/text.tsx';

/** The second step of sign-in, and the whole of it where a machine asks for a fresh proof. */
export function FactorStep(props: { readonly onProved: (me: Me) => void; readonly onAgain: () => void }) {
  const text = useText();
  const { onAgain } = props;
  const factors = useQuery({ ...factorsQuery, staleTime: 0, retry: false });
  const isOver = factors.error instanceof ApiFault && factors.error.code === 'UNAUTHENTICATED';
  useEffect(() => {
    if (isOver) onAgain();
  }, [isOver, onAgain]);
  if (isOver) return null;
  if (factors.isError) return <FaultNotice error={factors.error} onRetry={() => void factors.refetch()} />;
  if (factors.data === undefined) return <Skeleton height={190} />;
  const { stage, items } = factors.data;
  // A complete login comes here because a machine asked for more.
  const enrols = stage === 'enrolment' || (stage === 'complete' && items.length === 0);
  const lead =
    stage === 'enrolment'
      ? 'factor.enrol-lead'
      : stage === 'second-factor'
        ? undefined
        : enrols
          ? 'factor.step-up-enrol'
          : 'factor.step-up-machine';
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {text('factor.for', { name: factors.data.username })}
      </Text>
      {lead !== undefined && <Text size="sm">{text(lead)}</Text>}
      {enrols ? (
        <Enrolment passkeys={factors.data.passkeys} onEnrolled={props.onProved} />
      ) : (
        <FactorChallenge factors={factors.data} onProved={props.onProved} />
      )}
      <Button variant="subtle" color="gray" size="xs" onClick={onAgain}>
        {text('factor.again')}
      </Button>
    </Stack>
  );
}
