import { Button, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Factors } from '@enchilada/contract';
import { useEffect, useState } from 'react';
import { ApiFault } from '../api/http.ts';
import type { Me } from '../api/me.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { Enrolment } from '../second-factor/enrolment.tsx';
import { FactorChallenge } from '../second-factor/factor-challenge.tsx';
import { factorsQuery, hasNothingHere, isStepUp } from '../second-factor/step-up.tsx';
import { useText } from '../i18n/text.tsx';

/** The second step of sign-in, and the whole of it where a machine asks for a fresh proof. `passkey`: by a passkey and nothing else. */
export function FactorStep(props: {
  readonly passkey?: boolean;
  readonly onProved: (me: Me) => void;
  readonly onAgain: () => void;
}) {
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
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {text('factor.for', { name: factors.data.username })}
      </Text>
      {/* A complete login comes here because a machine asked for more. */}
      {factors.data.stage === 'complete' ? (
        <MachineDemand factors={factors.data} passkey={props.passkey === true} onProved={props.onProved} />
      ) : (
        <>
          {factors.data.stage === 'enrolment' && <Text size="sm">{text('factor.enrol-lead')}</Text>}
          {factors.data.stage === 'enrolment' ? (
            <Enrolment passkeys={factors.data.passkeys} onEnrolled={props.onProved} />
          ) : (
            <FactorChallenge factors={factors.data} onProved={props.onProved} />
          )}
        </>
      )}
      <Button variant="subtle" color="gray" size="xs" onClick={onAgain}>
        {text('factor.again')}
      </Button>
    </Stack>
  );
}

/** What proves the person to the machine: a factor of theirs, or one that they add now. */
function MachineDemand(props: {
  readonly factors: Factors;
  readonly passkey: boolean;
  readonly onProved: (me: Me) => void;
}) {
  const text = useText();
  const { factors, passkey } = props;
  // Who adds a factor long after signing in proves themselves first, by what they have.
  const [provesFirst, setProvesFirst] = useState(false);
  const items = passkey ? factors.items.filter(({ kind }) => kind === 'passkey') : factors.items;
  if (items.length > 0)
    return (
      <>
        <Text size="sm">{text(passkey ? 'factor.step-up-passkey' : 'factor.step-up-machine')}</Text>
        <FactorChallenge
          factors={passkey ? { ...factors, items, recoveryCodes: 0 } : factors}
          onProved={props.onProved}
        />
      </>
    );
  if (provesFirst)
    return (
      <>
        <Text size="sm">{text('factor.step-up-first')}</Text>
        <FactorChallenge factors={factors} onProved={() => setProvesFirst(false)} />
      </>
    );
  return (
    <>
      <Text size="sm">{text(passkey ? 'factor.step-up-enrol-passkey' : 'factor.step-up-enrol')}</Text>
      <Enrolment
        passkeys={factors.passkeys}
        {...(passkey ? { kind: 'passkey' as const } : {})}
        onEnrolled={props.onProved}
        onFault={(error) => {
          if (!isStepUp(error) || hasNothingHere(factors)) return false;
          setProvesFirst(true);
          return true;
        }}
      />
    </>
  );
}
