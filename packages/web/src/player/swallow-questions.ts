import type { IParser } from '@xterm/xterm';

/** OSC: titles, colours that can be set and asked for, links, notifications, clipboard, and what shells and terminals added. */
const OSC = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 17, 19, 50, 52, 99, 104, 110, 111, 112, 133, 633, 777, 1337, 5522];
/** CSI by their end: device attributes, status and mode reports, XTVERSION, parameters, checksums, key protocols, window operations. */
const CSI = [
  { final: 'c' },
  { prefix: '>', final: 'c' },
  { prefix: '=', final: 'c' },
  { final: 'n' },
  { prefix: '?', final: 'n' },
  { intermediates: '$', final: 'p' },
  { prefix: '?', intermediates: '$', final: 'p' },
  { prefix: '>', final: 'q' },
  { final: 'x' },
  { intermediates: '*', final: 'y' },
  { prefix: '?', final: 'u' },
  { prefix: '?', final: 'm' },
  { intermediates: '$', final: 'w' },
  { prefix: '?', final: 'S' },
  { final: 't' },
] as const;
/** DCS: DECRQSS, XTGETTCAP. */
const DCS = [
  { intermediates: '$', final: 'q' },
  { intermediates: '+', final: 'q' },
] as const;

/** Takes away the effect of everything that asks for an answer, or for a title, a link, a colour or the clipboard. */
export function swallowQuestions(parser: Pick<IParser, `register${'Osc' | 'Csi' | 'Dcs' | 'Esc'}Handler`>): void {
  for (const code of OSC) parser.registerOscHandler(code, () => true);
  for (const id of CSI) parser.registerCsiHandler(id, () => true);
  for (const id of DCS) parser.registerDcsHandler(id, () => true);
  // DECID, the old form of device attributes.
  parser.registerEscHandler({ final: 'Z' }, () => true);
}
