/** What a hostile machine may print to reach beyond the screen. Each has a name, so that a failing one is known. */
export interface HostileSequence {
  readonly name: string;
  readonly bytes: string;
}

/** Stands wherever a sequence can carry text: nothing of it may come back, be copied, become a title or be opened. */
export const CANARY = 'canary-9f3b';

const ESC = '\u001b';
const CSI = `${ESC}[`;
const OSC = `${ESC}]`;
const DCS = `${ESC}P`;
const ST = `${ESC}\\`;
const BEL = '\u0007';
const base64 = (text: string): string => btoa(text);
const COMMAND = `touch /tmp/${CANARY}`;

function named(group: string, sequences: Readonly<Record<string, string>>): readonly HostileSequence[] {
  return Object.entries(sequences).map(([name, bytes]) => ({ name: `${group}: ${name}`, bytes }));
}

/** Control sequences that ask for an answer (xterm ctlseqs; ECMA-48; DEC STD 070). */
const QUERIES = named('query', {
  'primary device attributes': `${CSI}c`,
  'primary device attributes, 0': `${CSI}0c`,
  'secondary device attributes': `${CSI}>c`,
  'secondary device attributes, 0': `${CSI}>0c`,
  'tertiary device attributes': `${CSI}=c`,
  DECID: `${ESC}Z`,
  'operating status': `${CSI}5n`,
  'cursor position': `${CSI}6n`,
  'extended cursor position': `${CSI}?6n`,
  'printer status': `${CSI}?15n`,
  'user-defined keys': `${CSI}?25n`,
  'keyboard status': `${CSI}?26n`,
  'locator status': `${CSI}?55n`,
  'locator type': `${CSI}?56n`,
  'macro space': `${CSI}?62n`,
  'memory checksum': `${CSI}?63;1n`,
  'data integrity': `${CSI}?75n`,
  'session status': `${CSI}?85n`,
  'colour scheme': `${CSI}?996n`,
  'mode of ANSI insert': `${CSI}4$p`,
  'mode of bracketed paste': `${CSI}?2004$p`,
  'mode of synchronised output': `${CSI}?2026$p`,
  'mode that is unknown': `${CSI}?31337$p`,
  XTVERSION: `${CSI}>q`,
  'XTVERSION, 0': `${CSI}>0q`,
  'terminal parameters': `${CSI}x`,
  'terminal parameters, 1': `${CSI}1x`,
  'rectangle checksum': `${CSI}1;1;1;1;4;4*y`,
  'keyboard protocol': `${CSI}?u`,
  'modified keys': `${CSI}?4m`,
  answerback: '\u0005',
  'presentation state, cursor': `${CSI}1$w`,
  'presentation state, tabs': `${CSI}2$w`,
  'graphics attributes': `${CSI}?1;1;0S`,
  'locator position': `${CSI}1'|`,
  'window state': `${CSI}11t`,
  'window position': `${CSI}13t`,
  'window pixels': `${CSI}14t`,
  'window pixels, text': `${CSI}14;2t`,
  'screen pixels': `${CSI}15t`,
  'cell pixels': `${CSI}16t`,
  'window characters': `${CSI}18t`,
  'screen characters': `${CSI}19t`,
  'icon label': `${OSC}1;${COMMAND}${BEL}${CSI}20t`,
  'window title': `${OSC}2;\r${COMMAND}\r${BEL}${CSI}21t`,
  'title from the stack': `${OSC}0;${COMMAND}${BEL}${CSI}22;0t${CSI}23;0t${CSI}21t`,
});

const SETTINGS = named('setting', {
  'graphic rendition': `${DCS}$qm${ST}`,
  margins: `${DCS}$qr${ST}`,
  'cursor style': `${DCS}$q q${ST}`,
  'conformance level': `${DCS}$q"p${ST}`,
  protection: `${DCS}$q"q${ST}`,
  'left and right margins': `${DCS}$qs${ST}`,
  'lines a page': `${DCS}$qt${ST}`,
  'one that is text': `${DCS}$q${COMMAND}${ST}`,
  'one with a line end': `${DCS}$q\r${COMMAND}\r${ST}`,
  'a capability': `${DCS}+q544e${ST}`,
  'a capability that is text': `${DCS}+q${[...COMMAND].map((letter) => letter.charCodeAt(0).toString(16)).join('')}${ST}`,
  'a user-defined key': `${DCS}0;1|17/${[...`${COMMAND}\r`].map((letter) => letter.charCodeAt(0).toString(16).padStart(2, '0')).join('')}${ST}`,
  'a macro, and its use': `${DCS}1;0;0!z${COMMAND}${ST}${CSI}1*z`,
  'restored presentation state': `${DCS}2$t1/9/17${ST}`,
});

const COLOURS = named('colour', {
  'palette entry': `${OSC}4;1;?${BEL}`,
  'many palette entries': `${OSC}4;${Array.from({ length: 40 }, (_, entry) => `${entry};?`).join(';')}${BEL}`,
  'special colour': `${OSC}5;0;?${BEL}`,
  foreground: `${OSC}10;?${BEL}`,
  background: `${OSC}11;?${ST}`,
  cursor: `${OSC}12;?${BEL}`,
  'several at once': `${OSC}10;?;?;?${BEL}`,
  selection: `${OSC}17;?${BEL}`,
  font: `${OSC}50;?${BEL}`,
  'foreground made the background': `${OSC}10;#111113${BEL}${OSC}11;#111113${BEL}`,
  'reset of what was never set': `${OSC}104${BEL}${OSC}110${BEL}${OSC}111${BEL}${OSC}112${BEL}`,
});

const CLIPBOARD = named('clipboard', {
  'set, clipboard': `${OSC}52;c;${base64(CANARY)}${BEL}`,
  'set, primary': `${OSC}52;p;${base64(CANARY)}${BEL}`,
  'set, every selection': `${OSC}52;cpqs01234567;${base64(CANARY)}${ST}`,
  'set, no selection named': `${OSC}52;;${base64(CANARY)}${BEL}`,
  'set, by a C1 introducer': `\u009d52;c;${base64(CANARY)}\u009c`,
  'set, base64 with a line end': `${OSC}52;c;${base64(`${COMMAND}\n`)}${BEL}`,
  ask: `${OSC}52;c;?${BEL}`,
  'ask, no selection named': `${OSC}52;;?${ST}`,
  clear: `${OSC}52;c;!${BEL}`,
  'set, a quarter of a megabyte': `${OSC}52;c;${'QUFB'.repeat(65_536)}${BEL}`,
  'set, by tmux': `${DCS}tmux;${ESC}${OSC}52;c;${base64(CANARY)}${BEL}${ST}`,
  'set, by screen': `${DCS}${OSC}52;c;${base64(CANARY)}${BEL}${ST}`,
  'kitty, write': `${OSC}5522;type=write${ST}${OSC}5522;type=wdata:mime=dGV4dC9wbGFpbg==;${base64(CANARY)}${ST}${OSC}5522;type=wdata${ST}`,
  'iTerm, copy': `${OSC}1337;CopyToClipboard=${BEL}${CANARY}${OSC}1337;EndCopy${BEL}`,
  'iTerm, copy at once': `${OSC}1337;Copy=:${base64(CANARY)}${BEL}`,
});

const TITLES = named('title', {
  'title and icon': `${OSC}0;${CANARY}${BEL}`,
  icon: `${OSC}1;${CANARY}${BEL}`,
  title: `${OSC}2;${CANARY}${ST}`,
  'X property': `${OSC}3;WM_NAME=${CANARY}${BEL}`,
  'old Sun title': `${OSC}l${CANARY}${ST}`,
  'title with bidirectional control': `${OSC}2;\u202e${CANARY}\u202c${BEL}`,
  'title with markup': `${OSC}2;<img src=x onerror=alert(1)>${CANARY}${BEL}`,
  'working directory': `${OSC}7;file://${CANARY}/etc${BEL}`,
  'window manipulation, minimise': `${CSI}2t`,
  'window manipulation, move': `${CSI}3;0;0t`,
  'window manipulation, size': `${CSI}8;1;1t`,
  'window manipulation, full screen': `${CSI}10;1t`,
});

const LINKS = named('link', {
  'of a script': `${OSC}8;;javascript:alert('${CANARY}')${ST}click${OSC}8;;${ST}`,
  'of data': `${OSC}8;;data:text/html,<script>alert(1)</script>${ST}click${OSC}8;;${ST}`,
  'of a file': `${OSC}8;;file:///etc/passwd${ST}click${OSC}8;;${ST}`,
  'of a blob': `${OSC}8;;blob:null/${CANARY}${ST}click${OSC}8;;${ST}`,
  'of another program': `${OSC}8;;ssh://-oProxyCommand=${CANARY}/${ST}click${OSC}8;;${ST}`,
  'with a password': `${OSC}8;;https://login:${CANARY}@evil.example/${ST}click${OSC}8;;${ST}`,
  'that shows another': `${OSC}8;;https://evil.example/${CANARY}${ST}https://good.example${OSC}8;;${ST}`,
  'without an end': `${OSC}8;id=1;https://evil.example/${ST}the rest of the screen\r\nis a link${OSC}8;;${ST}`,
  'of 100 KB': `${OSC}8;;https://evil.example/${'a'.repeat(100_000)}${ST}click${OSC}8;;${ST}`,
  'with bidirectional control': `${OSC}8;;https://evil.example/\u202egpj.exe${ST}click${OSC}8;;${ST}`,
});

const PROGRAMS = named('program', {
  'notification, iTerm': `${OSC}9;${CANARY}${BEL}`,
  'notification, progress': `${OSC}9;4;1;50${BEL}`,
  'notification, rxvt': `${OSC}777;notify;${CANARY};${CANARY}${BEL}`,
  'notification, kitty': `${OSC}99;i=1:d=0;${CANARY}${ST}`,
  'file to download, iTerm': `${OSC}1337;File=name=${base64(CANARY)};size=4:QUFB${BEL}`,
  'picture, iTerm': `${OSC}1337;File=inline=1:iVBORw0KGgo=${BEL}`,
  'variable, iTerm': `${OSC}1337;ReportVariable=${base64('path')}${BEL}`,
  'cell size, iTerm': `${OSC}1337;ReportCellSize${BEL}`,
  'shell marks': `${OSC}133;A${BEL}${OSC}133;B${BEL}${CANARY}${OSC}133;C${BEL}${OSC}133;D;0${BEL}`,
  'shell marks, Visual Studio Code': `${OSC}633;E;${CANARY}${BEL}`,
  'picture, kitty': `${ESC}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA${ST}`,
  'picture, kitty, from a file': `${ESC}_Ga=T,t=f;${base64('/etc/passwd')}${ST}`,
  'picture, sixel': `${DCS}0;0;0q#0;2;0;0;0#0~~@@vv@@~~$-${ST}`,
  'picture, ReGIS': `${DCS}1pP[0,0]V[9,9]${ST}`,
  'print the screen': `${CSI}i`,
  'print on': `${CSI}5i${CANARY}${CSI}4i`,
  'hard copy, Tektronix': `${CSI}?38h${ESC}\u0017`,
  'media copy to the host': `${CSI}?10i`,
});

const MODES = named('mode', {
  'mouse, all reports': `${CSI}?1000;1002;1003;1005;1006;1015;1016h`,
  'focus reports': `${CSI}?1004h`,
  'keyboard locked': `${CSI}2h`,
  'send and receive': `${CSI}12l`,
  'application keys': `${CSI}?1h${ESC}=`,
  'keyboard protocol, everything': `${CSI}>31u${CSI}=31;1u`,
  'modified keys, all': `${CSI}>4;2m`,
  'Win32 input': `${CSI}?9001h`,
  'colour scheme reports': `${CSI}?2031h`,
  'in-band size reports': `${CSI}?2048h`,
  'reverse wraparound, alternate screen, margins': `${CSI}?45h${CSI}?1049h${CSI}5;2r${CSI}?69h${CSI}9;3s`,
  'synchronised output without an end': `${CSI}?2026h${CANARY}`,
});

const SHAPES = named('shape', {
  'C1 introducers': `\u009b6n\u009b21t\u0090$qm\u009c\u009d52;c;${base64(CANARY)}\u009c`,
  'sequence in a sequence': `${CSI}${OSC}52;c;${base64(CANARY)}${BEL}6n`,
  'string in a string': `${OSC}0;${DCS}$q${CANARY}${ST}${BEL}`,
  'cancelled string': `${OSC}52;c;${base64(CANARY)}\u0018${CSI}6n`,
  'substituted string': `${OSC}52;c;${base64(CANARY)}\u001a${CSI}6n`,
  'string without an end': `${DCS}${CANARY.repeat(2_000)}`,
  'a hundred thousand parameters': `${CSI}${'1;'.repeat(100_000)}m`,
  'numbers beyond every limit': `${CSI}99999999999999999999;99999999999999999999H${CSI}2147483648b`,
  'subparameters beyond every limit': `${CSI}38${':2'.repeat(5_000)}m`,
  'repeat the character before': `a${CSI}65535b`,
  'scroll by far': `${CSI}9999S${CSI}9999T${CSI}9999L${CSI}9999M${CSI}9999@${CSI}9999P`,
  'tabs by far': `${CSI}65535I${CSI}65535Z`,
  'bidirectional controls': `\u202e${CANARY}\u202c \u2066${CANARY}\u2069 \u200f\u200e`,
  'marks on one letter': `a${'\u0301'.repeat(20_000)}`,
  'joined emoji': '\u{1f469}\u200d'.repeat(5_000),
  'broken UTF-16': '\ud800 \udfff \ud83d',
  'zero bytes': '\u0000'.repeat(1_000),
  'every control character': Array.from({ length: 160 }, (_, code) =>
    code < 32 || code > 126 ? String.fromCharCode(code) : '',
  ).join(''),
  'resets in a row': `${ESC}c${CSI}!p`.repeat(200),
  'invisible text': `${CSI}8m${COMMAND}\r\n${CSI}0m`,
});

export const HOSTILE_OUTPUT: readonly HostileSequence[] = [
  ...[QUERIES, SETTINGS, COLOURS, CLIPBOARD, TITLES, LINKS, PROGRAMS, MODES, SHAPES].flat(),
];

/** Ends whatever a sequence left open, and brings the terminal back: CAN, ST, RIS. */
export const AFTERMATH = `\u0018${ST}${ESC}c`;
