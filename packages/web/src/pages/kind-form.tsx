import { Accordion, Button, Menu, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { IconChevronDown, IconPlus } from '@tabler/icons-react';
import type { ParameterField } from '@enchilada/contract';
import { changedFields, type LocalizedText } from '@enchilada/core/engine';
import { useState } from 'react';
import { ApiFault } from '../api/http.ts';
import { useText } from '../i18n/text.tsx';
import { ParameterInput } from './parameter-field.tsx';
import { fieldGroups, filled, type ParameterValue } from './target-values.ts';

type Values = Readonly<Record<string, ParameterValue>>;

/** One of the kinds that the gateway knows of something outside: its name, and the fields of its form. */
interface Kind {
  readonly kind: string;
  readonly label: LocalizedText;
  readonly parameters: readonly ParameterField[];
}

/** The button that adds one of several kinds. */
export function AddKind<K extends Kind>(props: {
  readonly label: string;
  readonly kinds: readonly K[] | undefined;
  readonly onAdd: (kind: K) => void;
}) {
  const text = useText();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          leftSection={<IconPlus size={16} aria-hidden />}
          rightSection={<IconChevronDown size={14} aria-hidden />}
          disabled={props.kinds === undefined}
        >
          {props.label}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {props.kinds?.map((kind) => (
          <Menu.Item key={kind.kind} onClick={() => props.onAdd(kind)}>
            {text.of(kind.label)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** What is typed into the form of a kind: a name, its parameters, and where it has one, its secret. */
export interface KindDraft {
  readonly name: string;
  readonly parameters: Values;
  /** Empty: what is stored stays. */
  readonly secret: string;
}

export function useKindDraft(kind: Kind, stored: Pick<KindDraft, 'name' | 'parameters'> | undefined) {
  const text = useText();
  const label = text.of(kind.label);
  const [draft, setDraft] = useState<KindDraft>({
    name: stored?.name ?? label,
    parameters: stored?.parameters ?? {},
    secret: '',
  });
  return {
    title: stored?.name ?? label,
    draft,
    set: (change: Partial<KindDraft>): void => setDraft({ ...draft, ...change }),
  };
}

/** What is sent of it. */
export function sentOf({ name, parameters, secret }: KindDraft) {
  return { name: name.trim(), parameters: filled(parameters), ...(secret === '' ? {} : { secret }) };
}

/** The label of the field that the gateway refused, and its name among the parameters. */
export function useRefusal(kind: Kind, fault: unknown) {
  const text = useText();
  const facts = fault instanceof ApiFault ? fault.facts : {};
  const name = /^(?:body\/parameters\/)?(?<name>\w+)$/u.exec(String(facts['field'] ?? facts['key'] ?? ''))?.groups?.[
    'name'
  ];
  const field = kind.parameters.find((one) => one.name === name);
  return { refused: field?.name, next: field && text('form.check', { name: text.of(field.label) }) };
}

interface DraftProps {
  readonly draft: KindDraft;
  readonly onChange: (change: Partial<KindDraft>) => void;
}

function concerns({ when }: ParameterField, { parameters }: Kind, values: Values): boolean {
  if (when === undefined) return true;
  const choice = parameters.find(({ name }) => name === when.field);
  return (values[when.field] ?? (choice?.kind === 'choice' ? choice.default : '')) === when.is;
}

/** The name, and the parameters under the headings that the kind gives them. */
export function KindFields(
  props: DraftProps & { readonly kind: Kind; readonly readOnly?: boolean; readonly refused: string | undefined },
) {
  const text = useText();
  const { draft } = props;
  const groups = fieldGroups(props.kind.parameters.filter((field) => concerns(field, props.kind, draft.parameters)));
  return (
    <>
      <TextInput
        label={text('field.name')}
        required
        maxLength={100}
        value={draft.name}
        onChange={(event) => props.onChange({ name: event.currentTarget.value })}
        data-autofocus
      />
      {groups.map(([group, fields]) => (
        <Stack key={group} gap="sm">
          {groups.length > 1 && (
            <Title order={3} size="h3">
              {text.of(fields[0].group)}
            </Title>
          )}
          <Fields
            fields={fields}
            values={draft.parameters}
            disabled={props.readOnly === true}
            refused={props.refused}
            onChange={(parameters) => props.onChange({ parameters })}
          />
        </Stack>
      ))}
    </>
  );
}

/** A secret that goes in and never comes out. It stays with the place that it was entered for: where that changes, it is given anew. */
export function SecretField(
  props: DraftProps & {
    readonly label: LocalizedText;
    readonly help?: LocalizedText;
    readonly required?: boolean;
    /** What is stored, with its secret. */
    readonly stored: Pick<KindDraft, 'parameters'> | undefined;
    /** What says where the secret goes. */
    readonly goesBy: readonly ParameterField[];
  },
) {
  const text = useText();
  const { draft, stored, help } = props;
  const moves =
    stored !== undefined && changedFields(props.goesBy, stored.parameters, filled(draft.parameters)).length > 0;
  return (
    <PasswordInput
      label={text.of(props.label)}
      description={
        stored === undefined ? help && text.of(help) : text(moves ? 'providers.secret-anew' : 'providers.secret-kept')
      }
      required={stored === undefined ? props.required === true : moves}
      value={draft.secret}
      maxLength={4000}
      onChange={(event) => props.onChange({ secret: event.currentTarget.value })}
      autoComplete="new-password"
      visibilityToggleButtonProps={{ 'aria-label': text('field.show-password') }}
    />
  );
}

/** The parameters of a protocol, folded under their headings. */
export function FoldedParameters(props: {
  readonly parameters: readonly ParameterField[];
  readonly values: Values;
  readonly disabled: boolean;
  readonly onChange: (values: Values) => void;
}) {
  const text = useText();
  return (
    <Accordion multiple variant="default" chevronPosition="left">
      {fieldGroups(props.parameters).map(([group, fields]) => (
        <Accordion.Item key={group} value={group}>
          <Accordion.Control>{text.of(fields[0].group)}</Accordion.Control>
          <Accordion.Panel>
            <Stack gap="sm">
              <Fields {...props} fields={fields} />
            </Stack>
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}

function Fields(props: {
  readonly fields: readonly ParameterField[];
  readonly values: Values;
  readonly disabled: boolean;
  readonly refused?: string | undefined;
  readonly onChange: (values: Values) => void;
}) {
  return props.fields.map((field) => (
    <ParameterInput
      key={field.name}
      field={field}
      value={props.values[field.name]}
      disabled={props.disabled}
      refused={field.name === props.refused}
      onChange={(value) => props.onChange({ ...props.values, [field.name]: value })}
    />
  ));
}
