import { NumberInput, Select, Stack, Switch } from '@mantine/core';
import { Drawer } from '../components/layer.tsx';
import { useText } from '../i18n/text.tsx';
import { LARGEST_FONT, SMALLEST_FONT, type TerminalChoices } from '../surfaces/terminal/settings.ts';
import { TERMINAL_THEME_NAMES } from '../surfaces/terminal/terminal-themes.ts';

export function DisplayDrawer(props: {
  readonly opened: boolean;
  readonly choices: TerminalChoices;
  readonly onChange: (change: Partial<TerminalChoices>) => void;
  readonly onClose: () => void;
}) {
  const text = useText();
  const { choices, onChange } = props;
  return (
    <Drawer
      opened={props.opened}
      onClose={props.onClose}
      title={text('session.display')}
      size={320}
      returnFocus={false}
    >
      <Stack>
        <Select
          label={text('display.theme')}
          value={choices.theme}
          allowDeselect={false}
          data={[
            { value: 'auto', label: text('theme.auto') },
            ...TERMINAL_THEME_NAMES.map((name) => ({ value: name, label: text(`terminal-theme.${name}`) })),
          ]}
          onChange={(theme) => onChange({ theme: theme ?? 'auto' })}
        />
        <NumberInput
          label={text('display.font-size')}
          value={choices.fontSize}
          min={SMALLEST_FONT}
          max={LARGEST_FONT}
          onChange={(size) => {
            if (typeof size === 'number' && size >= SMALLEST_FONT && size <= LARGEST_FONT) onChange({ fontSize: size });
          }}
        />
        <Switch
          label={text('display.cursor-blink')}
          checked={choices.cursorBlink}
          onChange={(event) => onChange({ cursorBlink: event.currentTarget.checked })}
        />
        <Switch
          label={text('display.screen-reader')}
          description={text('display.screen-reader-help')}
          checked={choices.screenReader}
          onChange={(event) => onChange({ screenReader: event.currentTarget.checked })}
        />
        <Switch
          label={text('display.escape-leaves')}
          description={text('display.escape-leaves-help')}
          checked={choices.escapeLeaves}
          onChange={(event) => onChange({ escapeLeaves: event.currentTarget.checked })}
        />
      </Stack>
    </Drawer>
  );
}
