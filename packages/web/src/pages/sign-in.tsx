import { Alert, Button, Skeleton } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { api } from '../api/client.ts';
import { usePlainSearch } from '../app/plain-search.ts';
import { Door } from '../components/door.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { factorsQuery } from '../second-factor/step-up.tsx';
import { FactorStep } from './factor-step.tsx';
import { SignInWays } from './sign-in-ways.tsx';
import { useEnter } from './use-enter.ts';

export function SignInPage() {
  const text = useText();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { next, step } = usePlainSearch();
  const facts = useQuery({ queryKey: ['sign-in'], queryFn: ({ signal }) => api('getSignIn', {}, { signal }) });
  const [atFactor, setAtFactor] = useState(step === 'factor' || step === 'passkey');
  const again = useCallback(() => setAtFactor(false), []);

  const enter = useEnter(next);

  const open = facts.data?.bootstrapRequired === false ? facts.data : undefined;
  return (
    <Door title={text(atFactor ? 'factor.title' : 'sign-in.title')} lead={text('sign-in.lead')}>
      {facts.isError && <FaultNotice error={facts.error} onRetry={() => void facts.refetch()} />}
      {facts.isPending && <Skeleton height={190} />}
      {facts.data?.bootstrapRequired === true && (
        <Alert icon={<IconInfoCircle aria-hidden size={18} />} color="gray" title={text('sign-in.no-administrator')}>
          {text('fault.BOOTSTRAP_REQUIRED.next')}
        </Alert>
      )}
      {open !== undefined && atFactor && <FactorStep passkey={step === 'passkey'} onProved={enter} onAgain={again} />}
      {open !== undefined && !atFactor && (
        <SignInWays
          facts={open}
          next={next}
          isFresh={step === 'again'}
          onSignedIn={({ me }) => {
            if (me !== undefined) enter(me);
            else {
              client.removeQueries({ queryKey: factorsQuery.queryKey });
              setAtFactor(true);
            }
          }}
        />
      )}
      {facts.data?.bootstrapRequired === true && (
        <Button variant="default" mt="md" fullWidth onClick={() => void navigate({ to: '/welcome' })}>
          {text('sign-in.have-link')}
        </Button>
      )}
    </Door>
  );
}
