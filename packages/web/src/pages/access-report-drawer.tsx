import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import type { AccessReport } from '@enchilada/contract';
import type { GrantAction } from '@enchilada/core/access';
import { useState } from 'react';
import { api, hrefOf } from '../api/client.ts';
import { FormFault, useSave } from '../components/form.tsx';
import { Drawer } from '../components/layer.tsx';
import { Table } from '../components/table.tsx';
import { useText } from '../i18n/text.tsx';
import { GrantSentence } from './grant-sentence.tsx';

type Question = { readonly at?: number; readonly user?: string; readonly target?: string };

/** Who could reach what at a moment. People and machines are typed, because auditors may list neither, and some are no more. */
export function AccessReportDrawer(props: { readonly onClose: () => void }) {
  const text = useText();
  const [user, setUser] = useState('');
  const [target, setTarget] = useState('');
  const [moment, setMoment] = useState('');
  const [answer, setAnswer] = useState<{ readonly question: Question; readonly report: AccessReport }>();
  const ask = useSave(async () => {
    setAnswer(undefined);
    const question = {
      ...(user.trim() === '' ? {} : { user: user.trim() }),
      ...(target.trim() === '' ? {} : { target: target.trim() }),
      ...(moment === '' ? {} : { at: new Date(moment).getTime() }),
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
            <Button type="submit" loading={ask.busy} disabled={user.trim() === '' && target.trim() === ''}>
              {text('access-report.show')}
            </Button>
          </Group>
        </Stack>
      </form>
      {answer !== undefined && <Answer {...answer} />}
    </Drawer>
  );
}

function Answer(props: { readonly question: Question; readonly report: AccessReport }) {
  const text = useText();
  const { question, report } = props;
  const { at, items, total } = report;
  const grants = new Map(report.grants.map((grant) => [grant.id, grant]));
  const list = new Intl.ListFormat(text.language, { type: 'conjunction' });
  const words = (actions: readonly GrantAction[]): string =>
    list.format(actions.map((action) => text(`grant-action.${action}`)));
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
        {(['csv', 'json'] as const).map((format) => (
          <Button
            key={format}
            component="a"
            variant="default"
            href={hrefOf('exportAccessReport', { query: { ...question, format } })}
            download
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            {text('access-report.download', { format: format.toUpperCase() })}
          </Button>
        ))}
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
                  {words(actions)}
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
      {total > items.length && <p className="sub">{text('access-report.first-of', { shown: items.length, total })}</p>}
    </Stack>
  );
}
