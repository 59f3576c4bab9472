import { Button, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { IconDeviceMobile, IconFingerprint } from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { useEffect, useRef, useState, type SyntheticEvent } from 'react';
import { api } from '../api/client.ts';
import type { Me } from '../api/me.ts';
import { useText } from '../i18n/text.tsx';
import { createPasskey } from './authenticator.ts';
import { FactorFault } from './factor-fault.tsx';
import { QrPicture } from './qr-picture.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';

type Enrolled = RouteOutput<'enrolPasskey'>;

/** From the choice of a factor to its recovery codes. */
export function Enrolment(props: {
  readonly passkeys: boolean;
  readonly kind?: 'totp' | 'passkey';
  readonly onEnrolled: (me: Me) => void;
  /** A refusal that the page around it deals with. */
  readonly onFault?: (error: unknown) => boolean;
}) {
  const [kind, setKind] = useState(props.kind);
  const [done, setDone] = useState<Enrolled>();
  const finish = (enrolled: Enrolled): void => {
    if (enrolled.recoveryCodes === undefined) props.onEnrolled(enrolled.me);
    else setDone(enrolled);
  };
  if (done?.recoveryCodes !== undefined)
    return <RecoveryCodes codes={done.recoveryCodes} onKept={() => props.onEnrolled(done.me)} />;
  const back = props.kind === undefined ? () => setKind(undefined) : undefined;
  const steps = { onDone: finish, onBack: back, onFault: props.onFault };
  if (kind === 'totp') return <TotpEnrolment {...steps} />;
  if (kind === 'passkey') return <PasskeyEnrolment {...steps} />;
  return (
    <Stack>
      <Choice kind="passkey" disabled={!props.passkeys} onChoose={setKind} />
      <Choice kind="totp" onChoose={setKind} />
    </Stack>
  );
}

function Choice(props: {
  readonly kind: 'totp' | 'passkey';
  readonly disabled?: boolean;
  readonly onChoose: (kind: 'totp' | 'passkey') => void;
}) {
  const text = useText();
  const Icon = props.kind === 'passkey' ? IconFingerprint : IconDeviceMobile;
  const help = props.disabled === true ? 'factor.no-passkeys-here' : (`factor-kind.${props.kind}.help` as const);
  return (
    <button type="button" className="choice panel" disabled={props.disabled} onClick={() => props.onChoose(props.kind)}>
      <Icon size={22} aria-hidden />
      <span>
        <Text span fw={600} display="block">
          {text(`factor-kind.${props.kind}`)}
        </Text>
        <Text span size="sm" c="dimmed">
          {text(help)}
        </Text>
      </span>
    </button>
  );
}

interface StepProps {
  readonly onDone: (enrolled: Enrolled) => void;
  readonly onBack: (() => void) | undefined;
  readonly onFault: ((error: unknown) => boolean) | undefined;
}

function PasskeyEnrolment(props: StepProps) {
  const text = useText();
  const [name, setName] = useState(text('factor-kind.passkey'));
  const [fault, setFault] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const enrol = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFault(undefined);
    try {
      const passkey = await createPasskey(await api('startPasskey'));
      props.onDone(await api('enrolPasskey', { body: { passkey, name: name.trim() } }));
    } catch (error) {
      if (props.onFault?.(error) !== true) setFault(error);
    }
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => void enrol(event)}>
      <Stack>
        <FactorFault error={fault} />
        <NameInput value={name} onChange={setName} />
        <Button type="submit" loading={busy} leftSection={<IconFingerprint size={18} aria-hidden />} fullWidth>
          {text('factor.add-passkey')}
        </Button>
        <BackButton onBack={props.onBack} />
      </Stack>
    </form>
  );
}

function TotpEnrolment(props: StepProps) {
  const text = useText();
  const [started, setStarted] = useState<RouteOutput<'startTotp'>>();
  const [name, setName] = useState(text('factor-kind.totp'));
  const [code, setCode] = useState('');
  const [fault, setFault] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const { onFault } = props;
  // A seed is made once, however often the page renders.
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    api('startTotp').then(setStarted, (error: unknown) => {
      if (onFault?.(error) !== true) setFault(error);
    });
  }, [onFault]);
  const confirm = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (started === undefined) return;
    setBusy(true);
    setFault(undefined);
    try {
      props.onDone(await api('confirmTotp', { params: { id: started.id }, body: { code, name: name.trim() } }));
    } catch (error) {
      if (onFault?.(error) !== true) setFault(error);
      setCode('');
    }
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => void confirm(event)}>
      <Stack>
        <FactorFault error={fault} />
        {started === undefined ? (
          fault === undefined && <Skeleton height={220} />
        ) : (
          <>
            <Text size="sm">{text('factor.scan')}</Text>
            <QrPicture content={started.uri} label={text('factor.scan')} />
            <div>
              <Text size="sm">{text('factor.key')}</Text>
              <code className="mono totp-key">{started.secret.replaceAll(/(.{4})(?=.)/gu, '$1 ')}</code>
            </div>
          </>
        )}
        <TextInput
          label={text('factor.first-code')}
          className="code-input"
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={12}
          required
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        <NameInput value={name} onChange={setName} />
        <Button type="submit" loading={busy} disabled={started === undefined} fullWidth>
          {text('factor.add-totp')}
        </Button>
        <BackButton onBack={props.onBack} />
      </Stack>
    </form>
  );
}

function NameInput(props: { readonly value: string; readonly onChange: (name: string) => void }) {
  const text = useText();
  return (
    <TextInput
      label={text('factor.name')}
      required
      maxLength={100}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    />
  );
}

function BackButton(props: { readonly onBack: (() => void) | undefined }) {
  const text = useText();
  if (props.onBack === undefined) return null;
  return (
    <Button variant="subtle" color="gray" size="xs" onClick={props.onBack}>
      {text('factor.back')}
    </Button>
  );
}
