import { Alert, Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleX } from '@tabler/icons-react';
import type { DeviceLoginFacts } from '@enchilada/contract';
import { readUserCode, showUserCode } from '@enchilada/core/identity';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import { useMe } from '../api/me.ts';
import { FormFault, type Save, useSave } from '../components/form.tsx';
import { Moment } from '../components/listing.tsx';
import { Page } from '../components/page.tsx';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';
import { useStepUp } from '../second-factor/step-up.tsx';

type Verdict = 'approve' | 'deny';

/** Where somebody signs in a program that has no browser (RFC 8628 section 3.3). INVARIANT: a press of the button approves, and nothing else does. */
export function DevicePage() {
  const text = useText();
  const [typed, setTyped] = useState('');
  const [facts, setFacts] = useState<DeviceLoginFacts>();
  const [verdict, setVerdict] = useState<Verdict>();
  const check = useSave(async () => setFacts(await api('checkDeviceLogin', { body: { userCode: typed } })));
  return (
    <Page title={text('device.title')} lead={text('device.lead')}>
      <section className="panel section">
        <Stack maw={560}>
          {facts === undefined && (
            <form onSubmit={check.onSubmit}>
              <Stack>
                <CodeFault save={check} />
                <TextInput
                  label={text('device.code')}
                  description={text('device.code-help')}
                  className="code-input"
                  autoComplete="off"
                  autoCapitalize="characters"
                  spellCheck={false}
                  maxLength={40}
                  required
                  autoFocus
                  value={typed}
                  onChange={(event) => setTyped(event.currentTarget.value)}
                />
                <Group>
                  <Button type="submit" loading={check.busy} disabled={readUserCode(typed) === undefined}>
                    {text('device.check')}
                  </Button>
                </Group>
              </Stack>
            </form>
          )}
          {facts !== undefined && verdict === undefined && (
            <Decision code={readUserCode(typed) ?? ''} facts={facts} onDecided={setVerdict} />
          )}
          {verdict !== undefined && (
            <Alert
              role="status"
              variant="default"
              icon={
                verdict === 'approve' ? (
                  <IconCircleCheck aria-hidden size={18} />
                ) : (
                  <IconCircleX aria-hidden size={18} />
                )
              }
              title={text(`device.done-${verdict}`)}
            >
              {text(`device.done-${verdict}-body`)}
            </Alert>
          )}
        </Stack>
      </section>
    </Page>
  );
}

/** Who asks, from where, and what that means: nobody approves what they did not see. RFC 8628 section 5.4. */
function Decision(props: {
  readonly code: string;
  readonly facts: DeviceLoginFacts;
  readonly onDecided: (verdict: Verdict) => void;
}) {
  const text = useText();
  const me = useMe();
  const [dialog, attempt] = useStepUp();
  const { code, facts, onDecided } = props;
  const decide = async (verdict: Verdict): Promise<void> => {
    await attempt(() => api('decideDeviceLogin', { body: { userCode: code, verdict } }));
    onDecided(verdict);
  };
  const approve = useSave(() => decide('approve'));
  const deny = useSave(() => decide('deny'));
  return (
    <Stack>
      <Title order={2}>{text('device.asks', { name: me.user.username })}</Title>
      <dl className="detail-list">
        <dt>{text('device.code')}</dt>
        <dd className="mono">{showUserCode(code)}</dd>
        <dt>{text('device.program')}</dt>
        <dd>{facts.userAgent === '' ? text('device.program-silent') : printable(facts.userAgent)}</dd>
        <dt>{text('field.address')}</dt>
        <dd className="mono">{facts.address}</dd>
        <dt>{text('device.asked')}</dt>
        <dd>
          <Moment at={facts.askedAt} />
        </dd>
      </dl>
      {facts.address !== facts.ownAddress && (
        <Alert
          variant="default"
          icon={<IconAlertTriangle size={18} aria-hidden color="var(--warn)" />}
          title={text('device.elsewhere')}
        >
          {text('device.elsewhere-body', { address: facts.address, own: facts.ownAddress })}
        </Alert>
      )}
      <Alert
        variant="default"
        icon={<IconAlertTriangle size={18} aria-hidden color="var(--warn)" />}
        title={text('device.warning')}
      >
        {text('device.warning-body')}
      </Alert>
      <CodeFault save={approve} />
      <CodeFault save={deny} />
      <Text size="sm">{text('device.compare')}</Text>
      <Group component="form" onSubmit={approve.onSubmit}>
        <Button
          variant="default"
          type="button"
          onClick={deny.onSubmit}
          loading={deny.busy}
          disabled={approve.busy}
          autoFocus
        >
          {text('device.deny')}
        </Button>
        <Button type="submit" loading={approve.busy} disabled={deny.busy}>
          {text('device.approve')}
        </Button>
      </Group>
      {dialog}
    </Stack>
  );
}

function CodeFault({ save }: { readonly save: Save }) {
  const text = useText();
  const isWrong = save.fault instanceof ApiFault && save.fault.code === 'NOT_FOUND';
  return <FormFault save={save} next={isWrong ? text('device.wrong') : undefined} />;
}
