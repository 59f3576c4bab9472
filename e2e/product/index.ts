export { Person } from './person.ts';
export { Shell } from './shell.ts';
export type { ShellOptions } from './shell.ts';
export { FirstPicture, firstPicture, greeting, pictureRequest } from './desktop-viewer.ts';
export type { DesktopSize } from './desktop-viewer.ts';
