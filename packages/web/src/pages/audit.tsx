import { Button, Menu, Select, Stack, Text, TextInput } from '@mantine/core';
import {
  IconChevronDown,
  IconDownload,
  IconListDetails,
  IconShieldCheck,
  IconShieldExclamation,
  IconUserQuestion,
} from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { AUDIT_ACTIONS } from '@enchilada/core/audit';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, hrefOf } from '../api/client.ts';
import { usePlainSearch } from '../app/plain-search.ts';
import { EmptyState } from '../app/page-states.tsx';
import { endOfDay, startOfDay } from '../components/days.ts';
import { Drawer } from '../components/layer.tsx';
import { Listing } from '../components/listing.tsx';
import { printable } from '../components/printable.ts';
import { useAction } from '../components/use-action.ts';
import { Table } from '../components/table.tsx';
import { DayFilter, Page } from '../components/page.tsx';
import { MoreButton, pagesOf } from '../components/pages-of.tsx';
import { useText } from '../i18n/text.tsx';
import { AccessReportDrawer } from './access-report-drawer.tsx';

type AuditRecord = RouteOutput<'listAudit'>['items'][number];
const OUTCOMES = ['success', 'failure', 'denied'] as const;
const TONES = { success: 'ok', failure: 'bad', denied: 'warn' } as const;

export function AuditPage() {
  const text = useText();
  const navigate = useNavigate();
  const search = usePlainSearch();
  const [chosen, setChosen] = useState<AuditRecord>();
  const [verified, setVerified] = useState<RouteOutput<'verifyAudit'>>();
  const [reporting, setReporting] = useState(false);
  const [busy, run] = useAction();
  const set = (change: Readonly<Record<string, string>>): void =>
    void navigate({ to: '/audit', search: { ...search, ...change }, replace: true });
  const outcome = OUTCOMES.find((value) => value === search['outcome']);
  const from = startOfDay(search['from']);
  const to = endOfDay(search['to']);
  const filter = {
    ...(search['text'] ? { text: search['text'] } : {}),
    ...(search['actor'] ? { actor: search['actor'] } : {}),
    ...(search['action'] ? { action: search['action'] } : {}),
    ...(outcome === undefined ? {} : { outcome }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
  const records = useInfiniteQuery({
    queryKey: ['audit', filter],
    ...pagesOf((page, signal) => api('listAudit', { query: { ...filter, ...page } }, { signal })),
    placeholderData: keepPreviousData,
  });
  return (
    <Page
      title={text('nav.audit')}
      actions={
        <>
          <Button
            variant="default"
            leftSection={<IconUserQuestion size={16} aria-hidden />}
            onClick={() => setReporting(true)}
          >
            {text('access-report.title')}
          </Button>
          <Button
            variant="default"
            loading={busy}
            leftSection={<IconShieldCheck size={16} aria-hidden />}
            onClick={() => void run(async () => setVerified(await api('verifyAudit')))}
          >
            {text('audit.verify')}
          </Button>
          <Menu>
            <Menu.Target>
              <Button
                variant="default"
                leftSection={<IconDownload size={16} aria-hidden />}
                rightSection={<IconChevronDown size={14} aria-hidden />}
              >
                {text('audit.export')}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {(['csv', 'jsonl'] as const).map((format) => (
                <Menu.Item
                  key={format}
                  component="a"
                  href={hrefOf('exportAudit', { query: { ...filter, format } })}
                  download
                >
                  {text(`audit.export-${format}`)}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        </>
      }
    >
      {verified !== undefined && (
        <p className="page-lead state" data-tone={verified.intact ? 'ok' : 'bad'} role="status">
          {verified.intact ? (
            <IconShieldCheck size={16} aria-hidden />
          ) : (
            <IconShieldExclamation size={16} aria-hidden />
          )}
          {verified.intact
            ? text('audit.intact', {
                records: text.number(verified.chains.reduce((sum, chain) => sum + chain.records, 0)),
              })
            : text('audit.broken')}
        </p>
      )}
      <div className="filters" role="search">
        <TextInput
          label={text('audit.text')}
          value={search['text'] ?? ''}
          onChange={(event) => set({ text: event.currentTarget.value })}
        />
        <TextInput
          label={text('audit.actor')}
          value={search['actor'] ?? ''}
          onChange={(event) => set({ actor: event.currentTarget.value })}
        />
        <Select
          label={text('audit.action')}
          clearable
          searchable
          data={[...AUDIT_ACTIONS]}
          value={search['action'] ?? null}
          onChange={(value) => set({ action: value ?? '' })}
        />
        <Select
          label={text('audit.outcome')}
          clearable
          data={OUTCOMES.map((value) => ({ value, label: text(`audit-outcome.${value}`) }))}
          value={outcome ?? null}
          onChange={(value) => set({ outcome: value ?? '' })}
        />
        <DayFilter search={search} onChange={set} />
        {Object.keys(filter).length > 0 && (
          <Button variant="subtle" color="gray" onClick={() => void navigate({ to: '/audit', search: {} })}>
            {text('common.clear')}
          </Button>
        )}
      </div>
      <Listing
        query={records}
        items={records.data?.pages.flatMap((page) => page.items) ?? []}
        empty={
          <EmptyState icon={<IconListDetails size={22} />} title={text('audit.empty')}>
            {text('audit.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <Table
            columns={[
              text('audit.time'),
              text('audit.action'),
              text('audit.actor'),
              text('audit.object'),
              text('audit.address'),
              text('audit.outcome'),
            ]}
          >
            {items.map((record) => (
              <tr key={`${record.node} ${record.sequence}`} data-open onClick={() => setChosen(record)}>
                <td className="sub">{text.dateTime(record.at)}</td>
                <td>
                  <button type="button" className="row-title mono" onClick={() => setChosen(record)}>
                    {record.action}
                  </button>
                </td>
                <td>{actorName(record, text('audit.anonymous'))}</td>
                <td className="truncate">{printable(record.object?.name ?? record.object?.id ?? '')}</td>
                <td className="mono">{record.address ?? ''}</td>
                <td>
                  <span className="state" data-tone={TONES[record.outcome]}>
                    {text(`audit-outcome.${record.outcome}`)}
                  </span>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      <MoreButton query={records} />
      {reporting && <AccessReportDrawer onClose={() => setReporting(false)} />}
      <Drawer opened={chosen !== undefined} onClose={() => setChosen(undefined)} size={480} title={chosen?.action}>
        {chosen !== undefined && <RecordDetails record={chosen} />}
      </Drawer>
    </Page>
  );
}

function actorName(record: AuditRecord, anonymous: string): string {
  return printable(
    record.actor.kind === 'anonymous'
      ? `${anonymous}${record.actor.name === undefined ? '' : ` (${record.actor.name})`}`
      : (record.actor.name ?? record.actor.id ?? ''),
  );
}

function RecordDetails(props: { readonly record: AuditRecord }) {
  const text = useText();
  const { record } = props;
  const rows: readonly (readonly [string, string])[] = [
    [text('audit.time'), `${text.dateTime(record.at)} (${new Date(record.at).toISOString()})`],
    [text('audit.actor'), actorName(record, text('audit.anonymous'))],
    [text('audit.address'), record.address ?? '–'],
    [
      text('audit.object'),
      record.object === undefined ? '–' : `${record.object.kind} ${record.object.name ?? ''} ${record.object.id}`,
    ],
    [text('audit.outcome'), text(`audit-outcome.${record.outcome}`)],
    [text('audit.reason'), record.reason ?? '–'],
    ...Object.entries(record.detail ?? {}).map(([name, value]) => [name, String(value)] as const),
    [text('field.node'), `${record.node} #${record.sequence}`],
  ];
  return (
    <Stack>
      <dl className="audit-list">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{printable(name)}</dt>
            <dd>{printable(value)}</dd>
          </div>
        ))}
      </dl>
      <Text size="xs" c="dimmed" className="mono audit-hash">
        {record.previous}
        <br />→ {record.hash}
      </Text>
    </Stack>
  );
}
