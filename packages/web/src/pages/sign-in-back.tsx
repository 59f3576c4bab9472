import { Button, Group, Loader, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { api } from '../api/client.ts';
import { Door } from '../components/door.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { factorsQuery } from '../second-factor/step-up.tsx';
import { FactorStep } from './factor-step.tsx';
import { safeNext } from './safe-next.ts';
import { useEnter } from './use-enter.ts';

/** Where a browser comes back to from an identity provider. The answer is sent on once, and taken out of the address at once. */
export function SignInBackPage() {
  const text = useText();
  const client = useQueryClient();
  const { provider = '' } = useParams({ strict: false, select: (params: { readonly provider?: string }) => params });
  const [fault, setFault] = useState<unknown>();
  const [next, setNext] = useState('/');
  const [atFactor, setAtFactor] = useState(false);
  const enter = useEnter(next);
  const sent = useRef(false);
  useEffect(() => {
    if (sent.current) return;
    sent.current = true;
    const answer = location.search.slice(1);
    history.replaceState(history.state, '', location.pathname);
    api('completeProviderSignIn', { params: { id: provider }, body: { answer: answer === '' ? '-' : answer } }).then(
      ({ signedIn, next: goal }) => {
        const path = safeNext(goal);
        setNext(path);
        client.removeQueries({ queryKey: factorsQuery.queryKey });
        if (signedIn.me === undefined) setAtFactor(true);
        // A document of its own, so that this one with its address is not in the way back.
        else location.replace(path);
      },
      setFault,
    );
  }, [client, provider]);
  return (
    <Door title={text(atFactor ? 'factor.title' : 'sign-in.title')} lead={text('sign-in.lead')}>
      {fault === undefined && !atFactor && (
        <Group gap="sm" role="status">
          <Loader size="sm" aria-hidden />
          <Text size="sm">{text('sign-in.coming-back')}</Text>
        </Group>
      )}
      {atFactor && <FactorStep onProved={enter} onAgain={() => location.replace('/sign-in')} />}
      {fault !== undefined && (
        <Stack>
          <FaultNotice error={fault} />
          <Button component={Link} to="/sign-in" variant="default" fullWidth>
            {text('sign-in.start-again')}
          </Button>
        </Stack>
      )}
    </Door>
  );
}
