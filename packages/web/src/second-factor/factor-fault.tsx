import { Text } from '@mantine/core';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { PasskeyAbandoned } from './authenticator.ts';

/** A refusal of the gateway, or a passkey dialog that was closed: the latter is no fault. */
export function FactorFault(props: { readonly error: unknown }) {
  const text = useText();
  if (props.error === undefined) return null;
  if (props.error instanceof PasskeyAbandoned)
    return (
      <Text size="sm" role="alert">
        {text(props.error.reason === 'known' ? 'factor.passkey-known' : 'factor.passkey-cancelled')}
      </Text>
    );
  return <FaultNotice error={props.error} />;
}
