import { Loader, Stack, Text, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconShieldCheck, IconShieldExclamation, IconShieldHalf } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { Drawer } from '../components/layer.tsx';
import { useText } from '../i18n/text.tsx';
import { clockText } from './playback-clock.ts';

/** Exit codes of the verifier: 0 is sound, 10 sound but unfinished; everything else is a reason not to rely on the recording. */
function verdict(code: number): 'sound' | 'unfinished' | 'unsound' {
  return code === 0 ? 'sound' : code === 10 ? 'unfinished' : 'unsound';
}

const LOOKS = {
  sound: ['ok', IconShieldCheck],
  unfinished: ['warn', IconShieldHalf],
  unsound: ['bad', IconShieldExclamation],
} as const;

export function VerificationBadge(props: {
  readonly recordingId: string;
  readonly nodeId: string | undefined;
  readonly ready: boolean;
}) {
  const text = useText();
  const [opened, { open, close }] = useDisclosure(false);
  const id = props.recordingId;
  const checked = useQuery({
    queryKey: ['verification', id],
    queryFn: ({ signal }) => api('verifyRecording', { params: { id } }, { signal }),
    enabled: props.ready,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    retry: false,
  });
  if (checked.isPending) {
    return (
      <span className="badge" role="status">
        <Loader size={14} color="gray" /> {text('proof.checking')}
      </span>
    );
  }
  if (checked.isError) {
    return (
      <UnstyledButton className="badge" data-tone="warn" onClick={() => void checked.refetch()}>
        <IconShieldExclamation size={16} aria-hidden /> {text('proof.not-checked')}
      </UnstyledButton>
    );
  }
  const report = checked.data;
  const kind = verdict(report.code);
  const [tone, Icon] = LOOKS[kind];
  return (
    <>
      <UnstyledButton className="badge" data-tone={tone} onClick={open} aria-haspopup="dialog">
        <Icon size={16} aria-hidden /> {text(`proof.${kind}`)}
        <span className="badge-more">{text.count('proof.chunks', report.chunks)}</span>
      </UnstyledButton>
      <Drawer opened={opened} onClose={close} title={text('proof.title')} size={440}>
        <Stack>
          <Text size="sm" className="state" data-tone={tone} fw={600}>
            <Icon size={18} aria-hidden /> {text(`proof.${kind}-long`)}
          </Text>
          <dl className="detail-list">
            <dt>{text('proof.code')}</dt>
            <dd>{report.code}</dd>
            <dt>{text('proof.chunks-label')}</dt>
            <dd>{text.number(report.chunks)}</dd>
            <dt>{text('proof.bytes')}</dt>
            <dd>{text.bytes(report.bytes)}</dd>
            <dt>{text('proof.duration')}</dt>
            <dd>{clockText(report.durationUs / 1000)}</dd>
            <dt>{text('field.node')}</dt>
            <dd className="mono">{props.nodeId ?? '–'}</dd>
            <dt>{text('proof.recording')}</dt>
            <dd className="mono">{report.recording}</dd>
          </dl>
          {report.findings.length > 0 && (
            <ul className="findings">
              {report.findings.map((finding, index) => (
                <li key={index}>
                  <strong>{finding.code}</strong> {finding.message}
                  {finding.fromUs !== undefined && <span className="sub"> {clockText(finding.fromUs / 1000)}</span>}
                </li>
              ))}
            </ul>
          )}
          <Text size="sm" c="dimmed">
            {text('proof.offline')}
          </Text>
          <code className="terminal-quote">enchilada verify {report.recording}.tar</code>
        </Stack>
      </Drawer>
    </>
  );
}
