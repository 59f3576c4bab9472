import { Button, Text, Title } from '@mantine/core';
import { IconCircleCheck, IconFileImport, IconFlask, IconServer2 } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { api } from '../api/client.ts';
import { useMe } from '../api/me.ts';
import { sessionPath } from '../components/platform.ts';
import { useAction } from '../components/use-action.ts';
import { useText } from '../i18n/text.tsx';

export function FirstRunPage() {
  const text = useText();
  const me = useMe();
  const navigate = useNavigate();
  const [busy, run] = useAction();
  const tryIt = async (): Promise<void> => {
    const tab = window.open('', '_blank');
    const opened = await run(async () => {
      const { targetId } = await api('createTryIt');
      if (tab === null) location.assign(sessionPath(targetId));
      else {
        tab.opener = null;
        tab.location.assign(sessionPath(targetId));
      }
    });
    if (opened) await navigate({ to: '/', search: {} });
    else tab?.close();
  };
  return (
    <div className="page first-run">
      <Title order={1}>
        {text('first-run.title', { name: me.user.displayName === '' ? me.user.username : me.user.displayName })}
      </Title>
      <p className="page-lead first-run-lead">{text('first-run.lead')}</p>
      <ol className="steps">
        <Step
          done
          icon={<IconCircleCheck size={20} aria-hidden />}
          title={text('first-run.account')}
          body={text('first-run.account-done')}
        />
        <Step
          icon={<IconFlask size={20} aria-hidden />}
          title={text('first-run.try')}
          body={text('first-run.try-body')}
          action={
            <Button onClick={() => void tryIt()} loading={busy}>
              {text('first-run.try-action')}
            </Button>
          }
        />
        <Step
          icon={<IconServer2 size={20} aria-hidden />}
          title={text('first-run.add')}
          body={text('first-run.add-body')}
          action={
            <>
              <Button variant="default" component={Link} to="/catalog/machines?add=1">
                {text('catalog.add')}
              </Button>
              <Button
                variant="subtle"
                color="gray"
                component={Link}
                to="/catalog/machines?import=1"
                leftSection={<IconFileImport size={16} aria-hidden />}
              >
                {text('catalog.import')}
              </Button>
            </>
          }
        />
      </ol>
      <Text size="sm">
        <Link to="/">{text('first-run.skip')}</Link>
      </Text>
    </div>
  );
}

function Step(props: {
  readonly icon: ReactNode;
  readonly title: string;
  readonly body: string;
  readonly action?: ReactNode;
  readonly done?: true;
}) {
  return (
    <li className="panel step" data-done={props.done}>
      <span className="step-icon">{props.icon}</span>
      <div className="step-text">
        <Title order={2}>{props.title}</Title>
        <Text size="sm" c="dimmed">
          {props.body}
        </Text>
      </div>
      {props.action !== undefined && <div className="step-action">{props.action}</div>}
    </li>
  );
}
