import { Drawer, Radio, Stack, Switch } from '@mantine/core';
import { useText } from '../../i18n/text.tsx';
import { SCALE_MODES, type DesktopChoices } from './desktop-choices.ts';

export function DesktopDrawer(props: {
  readonly opened: boolean;
  readonly choices: DesktopChoices;
  readonly onChange: (change: Partial<DesktopChoices>) => void;
  readonly onClose: () => void;
}) {
  const text = useText();
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
      </Stack>
    </Drawer>
  );
}
