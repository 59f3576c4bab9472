export { abortFault, unlessAborted } from './abort.ts';
export { ClipboardNote } from './clipboard-note.ts';
export { clipboardAt, clipboardFilesAt, clipboardOf, controlsAt } from './clipboard-settings.ts';
export { DenialNote } from './denial-note.ts';
export { DesktopSession } from './desktop-session.ts';
export { openDesktop } from './desktop-opening.ts';
export type { DesktopLimits, DesktopRequest } from './desktop-opening.ts';
export { createDialer } from './dial.ts';
export type { BuiltInMachine, Dialer } from './dial.ts';
export {
  CLIPBOARD_FIELDS,
  DESKTOP_FIELDS,
  GROUPS,
  readDesktop,
  readEnvironment,
  readLines,
  readTerminalType,
  terminalTypeField,
} from './parameter-fields.ts';
export type { DesktopSettings } from './parameter-fields.ts';
export { brokenOff, SessionEnding } from './session-ending.ts';
export { Greeting } from './greeting.ts';
export { Patience } from './patience.ts';
export type { PeerReader } from './peer-reader.ts';
export { peerText } from './peer-text.ts';
export { certificateFacts, upgradeToTls, verifyCertificate } from './tls.ts';
export type { PeerIdentity } from './tls.ts';
export { noCarrier, openPassage } from './passage.ts';
export type { Carrier, PassageParts } from './passage.ts';
export { WAKE_FIELDS } from './wake.ts';
