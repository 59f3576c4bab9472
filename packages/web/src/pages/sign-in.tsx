import { Alert, Button, Skeleton } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useRouter, useSearch } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { api } from '../api/client.ts';
import { meQuery, type Me } from '../api/me.ts';
import { Door } from '../components/door.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { factorsQuery } from '../second-factor/step-up.tsx';
import { FactorStep } from './factor-step.tsx';
import { PasswordForm } from './password-form.tsx';
import { safeNext } from './safe-next.ts';

export function SignInPage() {
  const text = useText();
  const client = useQueryClient();
  const router = useRouter();
  const navigate = useNavigate();
  const { next, step } = useSearch({ strict: false });
  const facts = useQuery({ queryKey: ['sign-in'], queryFn: ({ signal }) => api('getSignIn', {}, { signal }) });
  const [atFactor, setAtFactor] = useState(step === 'factor');
  const again = useCallback(() => setAtFactor(false), []);

  const enter = (me: Me): void => {
    client.removeQueries({ queryKey: factorsQuery.queryKey });
    client.setQueryData(meQuery.queryKey, me);
    const path = safeNext(next);
    if (/^\/[sr]\//u.test(path)) location.assign(path);
    else router.history.push(path);
  };

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
      {open !== undefined && atFactor && <FactorStep onProved={enter} onAgain={again} />}
      {open !== undefined && !atFactor && (
        <PasswordForm
          facts={open}
          isReturning={next !== undefined}
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
