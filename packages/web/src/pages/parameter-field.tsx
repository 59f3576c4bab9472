import { NumberInput, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ParameterField } from '@enchilada/contract';
import { useText } from '../i18n/text.tsx';
import type { ParameterValue } from './target-values.ts';

/** One field of a manifest as an input of its kind. */
export function ParameterInput(props: {
  readonly field: ParameterField;
  readonly value: ParameterValue | undefined;
  readonly disabled: boolean;
  /** The gateway refused what is entered. */
  readonly refused?: boolean;
  readonly onChange: (value: ParameterValue) => void;
}) {
  const text = useText();
  const { field, value } = props;
  const common = {
    label: text.of(field.label),
    disabled: props.disabled,
    required: field.required === true,
    error: props.refused === true && text('form.refused'),
    ...(field.help === undefined ? {} : { description: text.of(field.help) }),
  };
  const input = (() => {
    switch (field.kind) {
      case 'text':
        return (
          <TextInput
            {...common}
            maxLength={field.maxLength}
            value={typeof value === 'string' ? value : (field.default ?? '')}
            onChange={(event) => props.onChange(event.currentTarget.value)}
            spellCheck={false}
          />
        );
      case 'number':
        return (
          <NumberInput
            {...common}
            min={field.minimum}
            max={field.maximum}
            value={typeof value === 'number' ? value : (field.default ?? '')}
            onChange={(next) => {
              if (typeof next === 'number') props.onChange(next);
            }}
            {...(field.unit === undefined ? {} : { suffix: ` ${field.unit}` })}
          />
        );
      case 'boolean':
        return (
          <Switch
            {...common}
            required={false}
            checked={typeof value === 'boolean' ? value : field.default}
            onChange={(event) => props.onChange(event.currentTarget.checked)}
          />
        );
      case 'choice':
        return (
          <Select
            {...common}
            allowDeselect={false}
            value={typeof value === 'string' ? value : field.default}
            data={field.options.map((option) => ({ value: option.value, label: text.of(option.label) }))}
            onChange={(next) => props.onChange(next ?? field.default)}
          />
        );
      case 'list':
        return (
          <Textarea
            {...common}
            autosize
            minRows={2}
            maxRows={8}
            value={Array.isArray(value) ? value.join('\n') : ''}
            onChange={(event) =>
              props.onChange(event.currentTarget.value === '' ? [] : event.currentTarget.value.split('\n'))
            }
            spellCheck={false}
          />
        );
    }
  })();
  return (
    <div>
      {input}
      {field.weakens === true && (
        <span className="weak">
          <IconAlertTriangle size={14} aria-hidden /> {text('catalog.weakens')}
        </span>
      )}
    </div>
  );
}
