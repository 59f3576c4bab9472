import {
  Alert,
  Button,
  Group,
  NumberInput,
  Select,
  Skeleton,
  Stack,
  Switch,
  Text,
  Textarea,
  Title,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle, IconLock } from '@tabler/icons-react';
import type { SettingKey, SettingValues } from '@enchilada/contract';
import { FACTOR_DEMANDS } from '@enchilada/core/identity';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type SyntheticEvent, type ReactNode } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { Listing, Moment } from '../components/listing.tsx';
import { useAction } from '../components/use-action.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { Table } from '../components/table.tsx';
import { Page } from '../components/page.tsx';
import { useText } from '../i18n/text.tsx';
import { KeyEncryption } from './key-encryption.tsx';

const LIMITS = [
  ['loginIdleMinutes', 'minutes'],
  ['loginAbsoluteMinutes', 'minutes'],
  ['sessionIdleMinutes', 'minutes'],
  ['sessionMaxMinutes', 'minutes'],
  ['sessionGraceSeconds', 'seconds'],
  ['sessionsPerUser', 'count'],
  ['watchersPerSession', 'count'],
] as const satisfies readonly (readonly [SettingKey, string])[];

export function SettingsPage() {
  const text = useText();
  const settings = useQuery({ queryKey: ['settings'], queryFn: ({ signal }) => api('getSettings', {}, { signal }) });
  const nodes = useQuery({ queryKey: ['nodes'], queryFn: ({ signal }) => api('listNodes', {}, { signal }) });
  return (
    <Page title={text('nav.settings')}>
      {settings.isPending && <Skeleton height={420} />}
      {settings.isError && <FaultNotice error={settings.error} onRetry={() => void settings.refetch()} />}
      {settings.data !== undefined && settings.data.weakenings.length > 0 && (
        <Alert
          variant="default"
          icon={<IconAlertTriangle size={18} aria-hidden color="var(--warn)" />}
          title={text('settings.weakenings')}
          mb="md"
        >
          <ul className="weak-list">
            {settings.data.weakenings.map((name) => (
              <li key={name} className="mono">
                {name}
              </li>
            ))}
          </ul>
        </Alert>
      )}
      {settings.data !== undefined && <SettingsForm values={settings.data.values} fixed={settings.data.fixed} />}
      <Title order={2} mt="lg" mb="xs">
        {text('settings.nodes')}
      </Title>
      <Listing
        query={nodes}
        items={nodes.data?.items ?? []}
        empty={<p className="palette-none">{text('settings.no-nodes')}</p>}
      >
        {(items) => (
          <Table
            columns={[text('field.node'), text('field.state'), text('settings.version'), text('settings.started')]}
          >
            {items.map((node) => (
              <tr key={node.id}>
                <td className="mono">
                  {node.id} {node.self && <span className="chip">{text('settings.this-node')}</span>}
                </td>
                <td>
                  <span className="state" data-tone={node.alive ? 'ok' : 'bad'}>
                    {text(node.alive ? 'settings.alive' : 'settings.silent')}
                  </span>
                </td>
                <td>{node.version}</td>
                <td className="sub">
                  <Moment at={node.startedAt} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      <KeyEncryption />
    </Page>
  );
}

function SettingsForm(props: { readonly values: SettingValues; readonly fixed: readonly SettingKey[] }) {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'settings.write');
  const [draft, setDraft] = useState(props.values);
  const [busy, run] = useAction();
  const fixed = (key: SettingKey): boolean => !mayWrite || props.fixed.includes(key);
  const note = (key: SettingKey): ReactNode =>
    props.fixed.includes(key) ? (
      <span className="weak">
        <IconLock size={12} aria-hidden /> {text('settings.fixed')}
      </span>
    ) : undefined;
  const set = (change: Partial<SettingValues>): void => setDraft({ ...draft, ...change });
  const changes = Object.fromEntries(
    Object.entries(draft).filter(([key, value]) => props.values[key as SettingKey] !== value),
  );
  const save = (event: SyntheticEvent): void => {
    event.preventDefault();
    void run(async () => {
      client.setQueryData(['settings'], await api('setSettings', { body: changes }));
      await client.invalidateQueries({ queryKey: ['settings'] });
      notifications.show({ message: text('common.saved'), color: 'green' });
    });
  };
  return (
    <form onSubmit={save}>
      <section className="panel section">
        <Title order={2}>{text('settings.sign-in')}</Title>
        <p className="section-lead">{text('settings.sign-in-lead')}</p>
        <Stack>
          <Textarea
            label={text('setting.bannerText')}
            description={note('bannerText')}
            autosize
            minRows={3}
            maxRows={10}
            maxLength={8000}
            disabled={fixed('bannerText')}
            value={draft.bannerText}
            onChange={(event) => set({ bannerText: event.currentTarget.value })}
          />
          <Switch
            label={text('setting.bannerConsent')}
            description={note('bannerConsent')}
            disabled={fixed('bannerConsent')}
            checked={draft.bannerConsent}
            onChange={(event) => set({ bannerConsent: event.currentTarget.checked })}
          />
          <Switch
            label={text('setting.deviceSignIn')}
            description={note('deviceSignIn') ?? text('setting.deviceSignIn.help')}
            disabled={fixed('deviceSignIn')}
            checked={draft.deviceSignIn}
            onChange={(event) => set({ deviceSignIn: event.currentTarget.checked })}
          />
        </Stack>
      </section>
      <section className="panel section">
        <Title order={2}>{text('factor.own')}</Title>
        <p className="section-lead">{text('setting.secondFactor.help')}</p>
        <Select
          maw={360}
          label={text('setting.secondFactor')}
          description={note('secondFactor')}
          disabled={fixed('secondFactor')}
          allowDeselect={false}
          data={FACTOR_DEMANDS.map((value) => ({ value, label: text(`factor-demand.${value}`) }))}
          value={draft.secondFactor}
          onChange={(value) => set({ secondFactor: value ?? 'everyone' })}
        />
      </section>
      <section className="panel section">
        <Title order={2}>{text('nav.recordings')}</Title>
        <p className="section-lead">{text('settings.recordings-lead')}</p>
        <Stack>
          <Switch
            label={text('setting.ownRecordings')}
            description={note('ownRecordings')}
            disabled={fixed('ownRecordings')}
            checked={draft.ownRecordings}
            onChange={(event) => set({ ownRecordings: event.currentTarget.checked })}
          />
          <Select
            maw={360}
            label={text('setting.inputRecording')}
            description={note('inputRecording') ?? text('setting.inputRecording.help')}
            disabled={fixed('inputRecording')}
            allowDeselect={false}
            data={(['off', 'length', 'echoed'] as const).map((value) => ({
              value,
              label: text(`input-recording.${value}`),
            }))}
            value={draft.inputRecording}
            onChange={(value) => set({ inputRecording: value ?? 'off' })}
          />
          <Select
            maw={360}
            label={text('setting.desktopInput')}
            description={note('desktopInput') ?? text('setting.desktopInput.help')}
            disabled={fixed('desktopInput')}
            allowDeselect={false}
            data={(['off', 'pointer', 'keys'] as const).map((value) => ({
              value,
              label: text(`desktop-input.${value}`),
            }))}
            value={draft.desktopInput}
            onChange={(value) => set({ desktopInput: value ?? 'off' })}
          />
        </Stack>
      </section>
      <section className="panel section">
        <Title order={2}>{text('settings.limits')}</Title>
        <p className="section-lead">{text('settings.limits-lead')}</p>
        <div className="rule-fields">
          {LIMITS.map(([key, unit]) => (
            <NumberInput
              key={key}
              label={text(`setting.${key}`)}
              description={note(key)}
              min={key === 'sessionGraceSeconds' ? 0 : 1}
              disabled={fixed(key)}
              value={draft[key]}
              suffix={unit === 'count' ? '' : ` ${text(`unit.${unit}`)}`}
              onChange={(value) => {
                if (typeof value === 'number') set({ [key]: value });
              }}
            />
          ))}
        </div>
      </section>
      {mayWrite && (
        <Group justify="flex-end">
          {Object.keys(changes).length > 0 && (
            <Text size="sm" c="dimmed" role="status">
              {text('settings.unsaved')}
            </Text>
          )}
          <Button type="submit" loading={busy} disabled={Object.keys(changes).length === 0}>
            {text('common.save')}
          </Button>
        </Group>
      )}
    </form>
  );
}
