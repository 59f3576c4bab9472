import { Button, Group, PasswordInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconShieldQuestion } from '@tabler/icons-react';
import type { ViewerMessage } from '@enchilada/core/session';
import { useState } from 'react';
import { Modal } from '../components/layer.tsx';
import { printable, printableLines } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';
import type { HostKeyFrame, PromptFrame } from './session-view.ts';

/** More are found by typing. */
const MOST_SHOWN = 200;

interface DialogProps<Q> {
  readonly question: Q;
  readonly title: string;
  readonly onAnswer: (message: ViewerMessage) => void;
}

export function QuestionDialog(props: DialogProps<PromptFrame | HostKeyFrame>) {
  const { question } = props;
  return question.type === 'prompt' ? (
    <PromptDialog {...props} question={question} />
  ) : (
    <HostKeyDialog {...props} question={question} />
  );
}

/** A question of the target or of the product. Its words are the asker's: shown as plain text, and who asks is said by us. */
function PromptDialog(props: DialogProps<PromptFrame>) {
  const text = useText();
  const { question } = props;
  const [answers, setAnswers] = useState(() => question.fields.map(() => ''));
  const set = (index: number, value: string): void =>
    setAnswers(answers.map((answer, at) => (at === index ? value : answer)));
  const cancel = (): void => props.onAnswer({ type: 'cancel', id: question.id });
  const choosing = question.fields.some(({ choices }) => choices !== undefined);
  const isComplete = question.fields.every(({ choices }, index) => choices === undefined || answers[index] !== '');
  const labelOf = ({ text: asked, label }: PromptFrame['fields'][number]): string => {
    if (question.origin === 'product' && label !== undefined) return text.of(label);
    if (question.origin === 'product' && (asked === 'username' || asked === 'password')) return text(`field.${asked}`);
    return asked.trim() === '' ? text('prompt.answer') : printable(asked);
  };
  return (
    <Modal
      opened
      onClose={cancel}
      closeOnClickOutside={false}
      title={text(
        question.origin === 'target' ? 'prompt.from-target' : choosing ? 'prompt.choose' : 'prompt.from-product',
        {
          name: props.title,
        },
      )}
      closeButtonProps={{ 'aria-label': text('common.cancel') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isComplete) props.onAnswer({ type: 'answer', id: question.id, answers });
        }}
      >
        <Stack>
          {question.title !== '' && question.origin === 'target' && <Text fw={600}>{printable(question.title)}</Text>}
          {question.instruction !== '' && (
            <Text size="sm" className="banner-text">
              {printableLines(question.instruction)}
            </Text>
          )}
          {question.noLoginPassword !== undefined && <NoLoginPassword method={question.noLoginPassword} />}
          {question.fields.map((field, index) => {
            const label = labelOf(field);
            if (field.choices !== undefined)
              return (
                <Select
                  key={index}
                  label={label}
                  searchable
                  required
                  limit={MOST_SHOWN}
                  maxDropdownHeight={280}
                  nothingFoundMessage={text('prompt.nothing')}
                  data={[...new Set(field.choices)]}
                  value={answers[index] === '' ? null : (answers[index] ?? null)}
                  onChange={(value) => set(index, value ?? '')}
                  {...(index === 0 ? { 'data-autofocus': true } : {})}
                />
              );
            const common = {
              label,
              value: answers[index] ?? '',
              autoComplete: 'off',
              maxLength: 8192,
              ...(index === 0 ? { 'data-autofocus': true } : {}),
              onChange: (event: { readonly currentTarget: { readonly value: string } }) =>
                set(index, event.currentTarget.value),
            };
            return field.echo ? (
              <TextInput key={index} {...common} spellCheck={false} autoCapitalize="none" />
            ) : (
              <PasswordInput key={index} {...common} />
            );
          })}
          <Group justify="flex-end">
            <Button variant="default" onClick={cancel}>
              {text('common.cancel')}
            </Button>
            <Button type="submit" disabled={!isComplete}>
              {text('prompt.submit')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** Why a password is typed although the machine is to be given that of the sign-in, and what spares the question. */
function NoLoginPassword({ method }: { readonly method: NonNullable<PromptFrame['noLoginPassword']> }) {
  const text = useText();
  return (
    <>
      <Text size="sm">
        {text(
          method === 'sso'
            ? 'prompt.no-login-password-sso'
            : method === 'passkey'
              ? 'prompt.no-login-password-passkey'
              : 'prompt.no-login-password',
        )}
      </Text>
      <Text size="sm" c="dimmed">
        {text('prompt.instead-of-login-password')}
      </Text>
    </>
  );
}

function HostKeyDialog(props: DialogProps<HostKeyFrame>) {
  const text = useText();
  const { question } = props;
  const answer = (accept: boolean): void => props.onAnswer({ type: 'host-key-answer', id: question.id, accept });
  return (
    <Modal
      opened
      onClose={() => answer(false)}
      closeOnClickOutside={false}
      size="lg"
      title={text('host-key.title', { name: question.target })}
      closeButtonProps={{ 'aria-label': text('common.cancel') }}
    >
      <Stack>
        <Group wrap="nowrap" align="flex-start" gap="sm">
          <IconShieldQuestion size={22} aria-hidden />
          <Text size="sm">{text('host-key.body')}</Text>
        </Group>
        <dl className="detail-list">
          <dt>{text('host-key.fingerprint')}</dt>
          <dd className="fingerprint">{question.fingerprint}</dd>
          <dt>{text('host-key.type')}</dt>
          <dd className="mono">{question.keyType}</dd>
        </dl>
        <Text size="sm" c="dimmed">
          {text('host-key.compare')}
        </Text>
        <Group justify="flex-end">
          <Button variant="default" data-autofocus onClick={() => answer(false)}>
            {text('host-key.reject')}
          </Button>
          <Button onClick={() => answer(true)}>{text('host-key.accept')}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
