import { Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import type { SignInQuestion } from '@enchilada/contract';
import { useState, type SyntheticEvent } from 'react';
import { useText } from '../i18n/text.tsx';

/** What the provider asks besides the password, in its own words. */
export function ProviderQuestion(props: {
  readonly question: SignInQuestion;
  readonly username: string;
  readonly isBusy: boolean;
  readonly onAnswer: (answer: string) => void;
  readonly onCancel: () => void;
}) {
  const text = useText();
  const { question } = props;
  const [answer, setAnswer] = useState('');
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    props.onAnswer(answer);
  };
  const field = {
    label: text('sign-in.answer'),
    value: answer,
    onChange: (event: { readonly currentTarget: HTMLInputElement }) => setAnswer(event.currentTarget.value),
    autoComplete: 'one-time-code',
    maxLength: 256,
    required: true,
    autoFocus: true,
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          {text('factor.for', { name: props.username })}
        </Text>
        <Text className="banner-text" role="status">
          {question.text === '' ? text('sign-in.question') : question.text}
        </Text>
        {question.hidden ? (
          <PasswordInput {...field} visibilityToggleButtonProps={{ 'aria-label': text('field.show-password') }} />
        ) : (
          <TextInput {...field} autoCapitalize="none" spellCheck={false} />
        )}
        <Group grow>
          <Button variant="default" onClick={props.onCancel}>
            {text('common.cancel')}
          </Button>
          <Button type="submit" loading={props.isBusy}>
            {text('sign-in.submit')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
