// The only place that takes these two from Mantine, whose own answer to Escape closes all that is open at once.
import { Drawer as MantineDrawer, Modal as MantineModal, type DrawerProps, type ModalProps } from '@mantine/core';
import { useEffect, useRef } from 'react';

interface Layer {
  readonly close: () => void;
}

/** What lies over the page, the uppermost last. */
const layers: Layer[] = [];

function closeUppermost(event: KeyboardEvent): void {
  if (event.key !== 'Escape' || event.isComposing) return;
  // A list that is open in a field closes first; Mantine marks such a field so.
  if (event.target instanceof Element && event.target.getAttribute('data-mantine-stop-propagation') === 'true') return;
  layers.at(-1)?.close();
}

/** INVARIANT: one Escape closes one layer, the uppermost. */
function useEscape(opened: boolean, onClose: () => void): void {
  const latest = useRef(onClose);
  useEffect(() => {
    latest.current = onClose;
  });
  useEffect(() => {
    if (!opened) return undefined;
    const layer: Layer = { close: () => latest.current() };
    if (layers.push(layer) === 1) globalThis.addEventListener('keydown', closeUppermost, { capture: true });
    return () => {
      layers.splice(layers.indexOf(layer), 1);
      if (layers.length === 0) globalThis.removeEventListener('keydown', closeUppermost, { capture: true });
    };
  }, [opened]);
}

export function Modal(props: ModalProps) {
  useEscape(props.opened, props.onClose);
  return <MantineModal {...props} closeOnEscape={false} />;
}

export function Drawer(props: DrawerProps) {
  useEscape(props.opened, props.onClose);
  return <MantineDrawer {...props} closeOnEscape={false} />;
}
