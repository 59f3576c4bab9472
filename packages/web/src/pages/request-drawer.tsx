import { Button, Textarea } from '@mantine/core';
import { IconCheck, IconHandStop, IconX } from '@tabler/icons-react';
import type { AccessRequest } from '@enchilada/contract';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { FormDrawer, useSave } from '../components/form.tsx';
import { Moment } from '../components/listing.tsx';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';

const TONES = {
  pending: 'warn',
  approved: 'ok',
  denied: 'bad',
  cancelled: 'quiet',
  used: 'quiet',
  expired: 'quiet',
} as const;

export function RequestStatus({ request }: { readonly request: AccessRequest }) {
  const text = useText();
  const agreed = request.decisions.filter(({ verdict }) => verdict === 'approve').length;
  return (
    <>
      <span className="state" data-tone={TONES[request.status]}>
        {text(`request-status.${request.status}`)}
      </span>
      {request.status === 'pending' && request.needed > 0 && (
        <div className="sub">{text('requests.agreed', { count: agreed, needed: request.needed })}</div>
      )}
      {(request.status === 'approved' || request.status === 'used') && (
        <div className="sub">{text('requests.uses', { uses: request.uses, sessions: request.sessions })}</div>
      )}
    </>
  );
}

/** What is asked for, whole, and what may be done with it. */
export function RequestDrawer(props: {
  readonly request: AccessRequest;
  readonly onClose: () => void;
  readonly onDone: () => void;
  readonly onCancel: (request: AccessRequest) => void;
}) {
  const text = useText();
  const [seen] = useState(props.request);
  const [words, setWords] = useState('');
  // What is shown is what is decided on: a later answer changes the state alone.
  const request = props.request.hash === seen.hash ? props.request : seen;
  const isOpen = request.status === 'pending';
  const decide = async (verdict: 'approve' | 'deny'): Promise<void> => {
    await api('decideRequest', {
      params: { id: request.id },
      body: { verdict, hash: seen.hash, ...(words.trim() === '' ? {} : { words: words.trim() }) },
    });
    props.onDone();
  };
  const approve = useSave(() => decide('approve'));
  const deny = useSave(() => decide('deny'));
  const save = isOpen && deny.fault === undefined ? approve : deny;
  return (
    <FormDrawer
      title={text('requests.title', { person: request.username, machine: request.scopeName })}
      size={480}
      save={{ ...save, busy: approve.busy || deny.busy }}
      readOnly={!request.mayDecide}
      submit={text(isOpen ? 'requests.approve' : 'requests.take-back')}
      aside={
        isOpen && (
          <Button
            variant="default"
            leftSection={<IconX size={16} aria-hidden />}
            loading={deny.busy}
            onClick={(event) => deny.onSubmit(event)}
          >
            {text('requests.deny')}
          </Button>
        )
      }
      below={
        request.mayCancel && (
          <Button
            mt="md"
            variant="default"
            leftSection={<IconHandStop size={16} aria-hidden />}
            onClick={() => props.onCancel(request)}
          >
            {text('requests.cancel')}
          </Button>
        )
      }
      onClose={props.onClose}
    >
      <dl className="detail-list">
        <dt>{text('requests.why')}</dt>
        <dd className="request-reason">{printable(request.reason)}</dd>
        <dt>{text('field.machine')}</dt>
        <dd className="request-name">
          {printable(request.scopeName)}
          {request.breakGlass && <span className="chip request-loud">{text('requests.break-glass')}</span>}
        </dd>
        <dt>{text('requests.may')}</dt>
        <dd>{request.actions.map((action) => text(`grant-action.${action}`)).join(', ')}</dd>
        <dt>{text('requests.when')}</dt>
        <dd>{text.span(request.from, request.until)}</dd>
        <dt>{text('field.state')}</dt>
        <dd>
          <RequestStatus request={request} />
        </dd>
        {request.decisions.length > 0 && (
          <>
            <dt>{text('requests.history')}</dt>
            <dd>
              {request.decisions.map(({ username, verdict, words: said, at }) => (
                <div key={`${username}${at}`}>
                  {verdict === 'approve' ? <IconCheck size={14} aria-hidden /> : <IconX size={14} aria-hidden />}{' '}
                  {text(`requests.verdict-${verdict}`, { person: username })} · <Moment at={at} />
                  {said !== '' && <div className="sub">{printable(said)}</div>}
                </div>
              ))}
            </dd>
          </>
        )}
      </dl>
      {request.mayDecide && (
        <Textarea
          label={text('requests.words')}
          description={text('requests.words-help')}
          maxLength={1000}
          autosize
          minRows={2}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value.replaceAll('\n', ' '))}
        />
      )}
    </FormDrawer>
  );
}
