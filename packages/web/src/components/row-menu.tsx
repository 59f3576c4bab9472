import { ActionIcon, Menu } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { useRef, useState, type ReactNode } from 'react';

/** Its button alone until it is pressed: menus are most of the work of drawing a row. */
export function RowMenu(props: { readonly label: string; readonly children: ReactNode }) {
  const [wasOpened, setOpened] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const target = (
    <ActionIcon
      ref={button}
      aria-label={props.label}
      {...(wasOpened ? {} : { 'aria-haspopup': 'menu', 'aria-expanded': false, onClick: () => setOpened(true) })}
    >
      <IconDots size={16} aria-hidden />
    </ActionIcon>
  );
  if (!wasOpened) return target;
  return (
    <Menu defaultOpened returnFocus={false} onClose={() => button.current?.focus()}>
      <Menu.Target>{target}</Menu.Target>
      <Menu.Dropdown>{props.children}</Menu.Dropdown>
    </Menu>
  );
}
