import type { ClipboardRights, Seat } from '@enchilada/core/engine';

export interface ClipboardSettings {
  readonly viewOnly: boolean;
  readonly disableCopy: boolean;
  readonly disablePaste: boolean;
}

/** What a machine's settings leave of a clipboard, whoever sits before it. */
export function clipboardOf({ viewOnly, disableCopy, disablePaste }: ClipboardSettings): ClipboardRights {
  return { upload: !viewOnly && !disablePaste, download: !viewOnly && !disableCopy };
}

/** Whether what is done at the seat reaches the machine. */
export function controlsAt(
  seat: Pick<Seat, 'mode' | 'viewOnly'>,
  { viewOnly }: Pick<ClipboardSettings, 'viewOnly'>,
): boolean {
  return seat.mode === 'control' && !seat.viewOnly && !viewOnly;
}

/** What a seat has of it: what its grants and the machine's settings allow both, and nothing where it only looks. */
export function clipboardAt(
  seat: Pick<Seat, 'mode' | 'viewOnly' | 'clipboard'>,
  settings: ClipboardSettings,
): ClipboardRights {
  return leftOf(seat.clipboard, seat, settings);
}

/** The same of files. */
export function clipboardFilesAt(
  seat: Pick<Seat, 'mode' | 'viewOnly' | 'clipboardFiles'>,
  settings: ClipboardSettings,
): ClipboardRights {
  return leftOf(seat.clipboardFiles, seat, settings);
}

function leftOf(
  granted: ClipboardRights,
  seat: Pick<Seat, 'mode' | 'viewOnly'>,
  settings: ClipboardSettings,
): ClipboardRights {
  const machine = clipboardOf(settings);
  const control = controlsAt(seat, settings);
  return {
    upload: control && granted.upload && machine.upload,
    download: control && granted.download && machine.download,
  };
}
