import { ActionIcon, Button, Group, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { ROLES, type Role } from '@enchilada/core/identity';
import { useText } from '../i18n/text.tsx';
import { SubjectSelect } from './subject-select.tsx';

export interface RuleDraft {
  readonly from: string;
  readonly groupId?: string;
  readonly role?: Role;
}

/** Which of the provider's groups lead where. */
export function ProviderRules(props: {
  readonly rules: readonly RuleDraft[];
  readonly readOnly: boolean;
  readonly onChange: (rules: readonly RuleDraft[]) => void;
}) {
  const text = useText();
  const set = (index: number, rule: RuleDraft): void => props.onChange(props.rules.with(index, rule));
  return (
    <Stack gap="sm">
      <Title order={3} size="h3">
        {text('providers.rules')}
      </Title>
      <Text size="xs" c="dimmed">
        {text('providers.rules-help')}
      </Text>
      {props.rules.length === 0 && <p className="palette-none">{text('providers.rules-none')}</p>}
      {props.rules.map((rule, index) => (
        <section key={index} className="panel section">
          <Group align="flex-end" wrap="nowrap" gap="xs">
            <TextInput
              label={text('providers.rule-from')}
              required
              maxLength={1000}
              value={rule.from}
              onChange={(event) => set(index, { ...rule, from: event.currentTarget.value })}
              spellCheck={false}
              flex={1}
            />
            <ActionIcon
              aria-label={text('providers.rule-remove', { number: index + 1 })}
              mb={6}
              onClick={() => props.onChange(props.rules.toSpliced(index, 1))}
            >
              <IconX size={16} aria-hidden />
            </ActionIcon>
          </Group>
          <Group grow mt="xs">
            <SubjectSelect
              kind="group"
              label={text('providers.rule-group')}
              clearable
              value={rule.groupId ?? null}
              onChange={(groupId) => {
                const { groupId: _, ...rest } = rule;
                set(index, groupId === null ? rest : { ...rest, groupId });
              }}
            />
            <Select
              label={text('providers.rule-role')}
              clearable
              placeholder={text('providers.rule-keep')}
              data={ROLES.map((role) => ({ value: role, label: text(`role.${role}`) }))}
              value={rule.role ?? null}
              onChange={(value) => {
                const { role: _, ...rest } = rule;
                const role = ROLES.find((one) => one === value);
                set(index, role === undefined ? rest : { ...rest, role });
              }}
            />
          </Group>
        </section>
      ))}
      {!props.readOnly && (
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => props.onChange([...props.rules, { from: '' }])}
        >
          {text('providers.rule-add')}
        </Button>
      )}
    </Stack>
  );
}
