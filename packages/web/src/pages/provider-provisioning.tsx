import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { useConfirm } from '../components/confirm.tsx';
import { CopyField } from '../components/copy-field.tsx';
import { Moment } from '../components/listing.tsx';
import { useAction } from '../components/use-action.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { useStepUp } from '../second-factor/step-up.tsx';

/** Where an identity provider writes its people and groups, and the token that it does it with. */
export function ProviderProvisioning(props: {
  readonly id: string;
  /** As it is stored. */
  readonly enabled: boolean;
  readonly readOnly: boolean;
}) {
  const text = useText();
  const params = { id: props.id };
  const state = useQuery({
    queryKey: ['provisioning', props.id],
    queryFn: ({ signal }) => api('getProvisioning', { params }, { signal }),
  });
  const [value, setValue] = useState<string>();
  const [busy, run] = useAction();
  const [dialog, attempt] = useStepUp();
  const [confirmation, ask] = useConfirm();
  const make = async (): Promise<void> => {
    setValue((await attempt(() => api('renewProvisioningToken', { params }))).value);
    await state.refetch();
  };
  const rotate = (): void =>
    ask({ title: text('scim.rotate'), body: text('scim.rotate-body'), action: text('scim.rotate'), run: make });
  const remove = (): void =>
    ask({
      title: text('scim.remove'),
      body: text('scim.remove-body'),
      action: text('scim.remove'),
      run: async () => {
        await api('removeProvisioning', { params });
        setValue(undefined);
        await state.refetch();
      },
    });
  const token = state.data?.token;
  return (
    <section aria-labelledby="scim-title">
      <Stack gap="sm" mt="xl">
        <Title order={3} size="h3" id="scim-title">
          {text('scim.title')}
        </Title>
        <Text size="sm">{text('scim.lead')}</Text>
        {state.error !== null && <FaultNotice error={state.error} onRetry={() => void state.refetch()} />}
        {state.data !== undefined && (
          <>
            {token !== undefined && !props.enabled && (
              <Alert color="yellow">{text('scim.switched-off', { switch: text('providers.enabled') })}</Alert>
            )}
            <CopyField label={text('scim.base-url')} value={state.data.baseUrl} />
            <div role="status">
              {value !== undefined && (
                <CopyField label={text('scim.made')} description={text('scim.made-lead')} value={value} />
              )}
            </div>
            <Text size="sm" component="div">
              {token === undefined ? (
                text('scim.none')
              ) : (
                <>
                  {text('scim.counts', {
                    people: text.number(state.data.people),
                    groups: text.number(state.data.groups),
                  })}{' '}
                  {token.lastUsedAt === undefined ? (
                    text('scim.unused')
                  ) : (
                    <>
                      {text('factor.last-used')}: <Moment at={token.lastUsedAt} />
                    </>
                  )}
                </>
              )}
            </Text>
            {!props.readOnly && (
              <Group gap="sm">
                <Button
                  variant="default"
                  loading={busy}
                  onClick={() => {
                    if (token === undefined) void run(make);
                    else rotate();
                  }}
                >
                  {text(token === undefined ? 'scim.create' : 'scim.rotate')}
                </Button>
                {token !== undefined && (
                  <Button variant="default" onClick={remove}>
                    {text('scim.remove')}
                  </Button>
                )}
              </Group>
            )}
          </>
        )}
      </Stack>
      {confirmation}
      {dialog}
    </section>
  );
}
