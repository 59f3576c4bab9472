import { Button, Skeleton, Stack, Text } from '@mantine/core';
import type { Factors } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useState, type ReactNode } from 'react';
import { api } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import { meQuery } from '../api/me.ts';
import { Modal } from '../components/layer.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { FactorChallenge } from './factor-challenge.tsx';

export const factorsQuery = {
  queryKey: ['factors'],
  queryFn: ({ signal }: { signal: AbortSignal }) => api('listFactors', {}, { signal }),
};

export function isStepUp(error: unknown): error is ApiFault {
  return error instanceof ApiFault && error.code === 'STEP_UP_REQUIRED';
}

/** For acts that ask for a fresh proof: `attempt` tries, asks the person in between if need be, and tries again. */
export function useStepUp(): readonly [dialog: ReactNode, attempt: <T>(act: () => Promise<T>) => Promise<T>] {
  const [waiting, setWaiting] = useState<{ readonly proved: () => void; readonly cancelled: () => void }>();
  const attempt = useCallback(async <T,>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      if (!isStepUp(error)) throw error;
      await new Promise<void>((resolve, reject) => {
        setWaiting({ proved: resolve, cancelled: () => reject(error) });
      });
      return act();
    }
  }, []);
  const dialog = (
    <StepUpDialog
      opened={waiting !== undefined}
      onProved={() => {
        setWaiting(undefined);
        waiting?.proved();
      }}
      onClose={() => {
        setWaiting(undefined);
        waiting?.cancelled();
      }}
    />
  );
  return [dialog, attempt];
}

/** Whose account is at a provider, and who has no second factor of ours. */
export function hasNothingHere({ items, hasPassword }: Factors): boolean {
  return items.length === 0 && !hasPassword;
}

function StepUpDialog(props: {
  readonly opened: boolean;
  readonly onProved: () => void;
  readonly onClose: () => void;
}) {
  const text = useText();
  const client = useQueryClient();
  const factors = useQuery({ ...factorsQuery, enabled: props.opened });
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={text('factor.title')}>
      <Stack>
        <Text size="sm">{text('factor.step-up-lead')}</Text>
        {factors.isError && <FaultNotice error={factors.error} onRetry={() => void factors.refetch()} />}
        {factors.isPending && <Skeleton height={120} />}
        {factors.data !== undefined && hasNothingHere(factors.data) && (
          <>
            <Text size="sm">{text('factor.step-up-elsewhere')}</Text>
            <Button component="a" href={`/sign-in?${new URLSearchParams({ step: 'again', next: location.pathname })}`}>
              {text('factor.sign-in-again')}
            </Button>
          </>
        )}
        {factors.data !== undefined && !hasNothingHere(factors.data) && (
          <FactorChallenge
            factors={factors.data}
            onProved={(me) => {
              client.setQueryData(meQuery.queryKey, me);
              props.onProved();
            }}
          />
        )}
      </Stack>
    </Modal>
  );
}
