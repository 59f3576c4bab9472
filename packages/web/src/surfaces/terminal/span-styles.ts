/**
 * The policy refuses style attributes (CSP `style-src-attr`), and xterm.js 6 gives cells of a colour of their own one
 * (DomRendererRowFactory `_addStyle`). The same rules through CSSOM are allowed. Only what it
 * draws with is touched: spans, in documents that show a terminal. The alternative, `style-src-attr 'unsafe-inline'`, would
 * let every injected attribute of the document through.
 */
export function letSpansBeStyled(): void {
  if (Object.hasOwn(HTMLSpanElement.prototype, 'setAttribute')) return;
  const { setAttribute } = Element.prototype;
  HTMLSpanElement.prototype.setAttribute = function (name: string, value: string): void {
    if (name === 'style') this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}
