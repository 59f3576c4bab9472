import { Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { IconShieldQuestion } from '@tabler/icons-react';
import type { ViewerMessage } from '@enchilada/core/session';
import { useState } from 'react';
import { printable, printableLines } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';
import type { HostKeyFrame, PromptFrame } from './session-view.ts';

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
  const labelOf = (asked: string): string => {
    if (question.origin === 'product' && (asked === 'username' || asked === 'password')) return text(`field.${asked}`);
    return asked.trim() === '' ? text('prompt.answer') : printable(asked);
  };
  return (
    <Modal
      opened
      onClose={cancel}
      closeOnClickOutside={false}
      title={text(question.origin === 'target' ? 'prompt.from-target' : 'prompt.from-product', { name: props.title })}
      closeButtonProps={{ 'aria-label': text('common.cancel') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          props.onAnswer({ type: 'answer', id: question.id, answers });
        }}
      >
        <Stack>
          {question.title !== '' && question.origin === 'target' && <Text fw={600}>{printable(question.title)}</Text>}
          {question.instruction !== '' && (
            <Text size="sm" className="banner-text">
              {printableLines(question.instruction)}
            </Text>
          )}
          {question.fields.map((field, index) => {
            const label = labelOf(field.text);
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
            <Button type="submit">{text('prompt.submit')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
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
