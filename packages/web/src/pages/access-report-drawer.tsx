import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import type { AccessReport } from '@enchilada/contract';
import { useState } from 'react';
import { api, hrefOf } from '../api/client.ts';
import { FormFault, useSave } from '../components/form.tsx';
import { Drawer } from '../components/layer.tsx';
import { Table } from '../components/table.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { actionWords, Why } from './access-why.tsx';
import { GrantSentence } from './grant-sentence.tsx';

const FORMATS = ['csv', 'json'] as const;

type Question = { readonly at?: number; readonly user?: string; readonly target?: string };

/** Who could reach what at a moment. People and machines are typed, because auditors may list neither, and some are no more. */
export function AccessReportDrawer(props: { readonly onClose: () => void }) {
  const text = useText();
  const [user, setUser] = useState('');
  const [target, setTarget] = useState('');
  const [moment, setMoment] = useState('');
  const [answer, setAnswer] = useState<{ readonly question: Question; readonly report: AccessReport }>();
  const isEverything = user.trim() === '' && target.trim() === '';
  const ask = useSave(async () => {
    setAnswer(undefined);
    const question = {
      ...(user.trim() === '' ? {} : { user: user.trim() }),
      ...(target.trim() === '' ? {} : { target: target.trim() }),
      ...momentOf(moment),
    };
    const report = await api('getAccessReport', { query: question });
    // The file is of the moment that was shown, also where none was typed.
    setAnswer({ question: { ...question, at: report.at }, report });
  });
  return (
    <Drawer opened onClose={props.onClose} size={760} title={text('access-report.title')}>
      <form onSubmit={ask.onSubmit} autoComplete="off">
        <Stack>
          <Text size="sm" c="dimmed">
            {text('access-report.lead')}
          </Text>
          <TextInput
            label={text('access.person')}
            placeholder={text('access-report.name-or-id')}
            value={user}
            onChange={(event) => setUser(event.currentTarget.value)}
            spellCheck={false}
            data-autofocus
          />
          <TextInput
            label={text('access.machine')}
            placeholder={text('access-report.name-or-id')}
            value={target}
            onChange={(event) => setTarget(event.currentTarget.value)}
            spellCheck={false}
          />
          <TextInput
            type="datetime-local"
            step={1}
            label={text('access.at')}
            description={text('access-report.at-help')}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            value={moment}
            onChange={(event) => setMoment(event.currentTarget.value)}
          />
          <FormFault save={ask} />
          <Group>
            <Button type="submit" loading={ask.busy} disabled={isEverything}>
              {text('access-report.show')}
            </Button>
          </Group>
          {isEverything && (
            <Group>
              <Text size="sm">{text('access-report.everything')}</Text>
              <WholeDownloads question={momentOf(moment)} />
            </Group>
          )}
        </Stack>
      </form>
      {answer !== undefined && !isEverything && <Answer {...answer} />}
    </Drawer>
  );
}

function momentOf(typed: string): { readonly at?: number } {
  return typed === '' ? {} : { at: new Date(typed).getTime() };
}

function Downloads(props: { readonly question: Question }) {
  const text = useText();
  return FORMATS.map((format) => (
    <Button
      key={format}
      component="a"
      variant="default"
      href={hrefOf('exportAccessReport', { query: { ...props.question, format } })}
      download
      leftSection={<IconDownload size={16} aria-hidden />}
    >
      {text('access-report.download', { format: format.toUpperCase() })}
    </Button>
  ));
}

/** A file of everybody may be refused as too large: that is learnt here, in words, before the browser fetches anything. */
function WholeDownloads(props: { readonly question: Question }) {
  const text = useText();
  const [asked, setAsked] = useState<(typeof FORMATS)[number]>();
  const [fault, setFault] = useState<unknown>();
  const download = async (format: (typeof FORMATS)[number]): Promise<void> => {
    setAsked(format);
    setFault(undefined);
    try {
      const { at } = await api('measureAccessReport', { query: props.question });
      follow(hrefOf('exportAccessReport', { query: { at, format } }));
    } catch (error) {
      setFault(error);
    } finally {
      setAsked(undefined);
    }
  };
  return (
    <>
      {FORMATS.map((format) => (
        <Button
          key={format}
          variant="default"
          loading={asked === format}
          disabled={asked !== undefined}
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => void download(format)}
        >
          {text('access-report.download', { format: format.toUpperCase() })}
        </Button>
      ))}
      {fault !== undefined && <FaultNotice error={fault} />}
    </>
  );
}

/** The browser fetches it by itself, piece by piece, and asks for a name. */
function follow(href: string): void {
  const link = document.createElement('a');
  link.href = href;
  link.download = '';
  link.click();
}

function Answer(props: { readonly question: Question; readonly report: AccessReport }) {
  const text = useText();
  const { question, report } = props;
  const { at, items, total, userId, targetId } = report;
  const grants = new Map(report.grants.map((grant) => [grant.id, grant]));
  return (
    <Stack mt="lg">
      <div role="status">
        {total === 0 ? text('access-report.nothing') : text.count('access-report.found', total)}
        <div className="sub">
          {text.dateTime(at)} ({new Date(at).toISOString()})
        </div>
      </div>
      {report.obstacles.map((obstacle) => (
        <Alert key={obstacle} color="yellow">
          {text(`access-obstacle.${obstacle}`)}
        </Alert>
      ))}
      <Group>
        <Downloads question={question} />
      </Group>
      {items.length > 0 && (
        <div className="panel table-wrap">
          <Table
            columns={[
              text('access.person'),
              text('access.machine'),
              text('access-report.could'),
              text('access-report.by'),
            ]}
            short
          >
            {items.map(({ userId, username, targetId, targetName, actions, grantIds, conditional }) => (
              <tr key={`${userId} ${targetId}`}>
                <td>{username}</td>
                <td>{targetName}</td>
                <td>
                  {actionWords(text, actions)}
                  {conditional && <div className="sub">{text('access.conditional-then')}</div>}
                </td>
                <td>
                  {grantIds.map((id) => {
                    const grant = grants.get(id);
                    return (
                      <div key={id}>
                        {grant !== undefined && <GrantSentence grant={grant} />}
                        <div className="sub mono">{id}</div>
                      </div>
                    );
                  })}
                </td>
              </tr>
            ))}
          </Table>
        </div>
      )}
      {userId !== undefined && targetId !== undefined && <Why targetId={targetId} userId={userId} at={at} address="" />}
      {total > items.length && <p className="sub">{text('access-report.first-of', { shown: items.length, total })}</p>}
    </Stack>
  );
}
