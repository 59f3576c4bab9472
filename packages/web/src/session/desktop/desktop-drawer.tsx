import { Radio, Select, Stack, Switch } from '@mantine/core';
import { Drawer } from '../../components/layer.tsx';
import { useText } from '../../i18n/text.tsx';
import { BROWSER_KEYBOARD, SCALE_MODES, type DesktopChoices } from './desktop-choices.ts';

export function DesktopDrawer(props: {
  readonly opened: boolean;
  readonly choices: DesktopChoices;
  readonly keyboardLayouts: readonly string[];
  readonly onChange: (change: Partial<DesktopChoices>) => void;
  readonly onClose: () => void;
}) {
  const text = useText();
  const names = new Intl.DisplayNames([text.language], { type: 'language' });
  const named = (tag: string): string => names.of(tag) ?? tag;
  return (
    <Drawer
      opened={props.opened}
      onClose={props.onClose}
      title={text('session.display')}
      size={320}
      returnFocus={false}
    >
      <Stack>
        <Radio.Group
          label={text('desktop.scale')}
          value={props.choices.scale}
          onChange={(scale) => props.onChange({ scale: scale })}
        >
          <Stack gap="xs" mt="xs">
            {SCALE_MODES.map((mode) => (
              <Radio
                key={mode}
                value={mode}
                label={text(`desktop.scale-${mode}`)}
                description={text(`desktop.scale-${mode}-help`)}
              />
            ))}
          </Stack>
        </Radio.Group>
        <Switch
          label={text('desktop.resize')}
          description={text('desktop.resize-help')}
          checked={props.choices.resize}
          onChange={(event) => props.onChange({ resize: event.currentTarget.checked })}
        />
        {props.keyboardLayouts.length > 0 && (
          <Select
            label={text('desktop.layout')}
            description={text('desktop.layout-help')}
            searchable
            allowDeselect={false}
            data={[
              {
                value: BROWSER_KEYBOARD,
                label: text('desktop.layout-browser', { language: named(navigator.language) }),
              },
              ...props.keyboardLayouts.map((tag) => ({ value: tag, label: named(tag) })),
            ]}
            value={props.choices.keyboard}
            onChange={(keyboard) => props.onChange({ keyboard: keyboard ?? BROWSER_KEYBOARD })}
          />
        )}
      </Stack>
    </Drawer>
  );
}
