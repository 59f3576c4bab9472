/** Rows and fields of RFC 4180; quotes may hold separators and line breaks. `;` is accepted where the first line uses it. A row knows its first line. */
export function parseCsv(text: string): readonly { readonly line: number; readonly fields: readonly string[] }[] {
  const source = text.replace(/^\uFEFF/u, '');
  const head = source.split(/\r?\n/u, 1)[0] ?? '';
  const separator = head.includes(',') || !head.includes(';') ? ',' : ';';
  const rows: { line: number; fields: string[] }[] = [];
  let fields: string[] = [];
  let field = '';
  let isQuoted = false;
  let line = 1;
  let start = 1;
  const endRow = (): void => {
    fields.push(field);
    if (fields.some((value) => value !== '')) rows.push({ line: start, fields });
    fields = [];
    field = '';
    start = line + 1;
  };
  for (let at = 0; at < source.length; at++) {
    const character = source.charAt(at);
    if (isQuoted) {
      if (character === '"' && source.charAt(at + 1) === '"') {
        field += '"';
        at++;
      } else if (character === '"') isQuoted = false;
      else field += character;
    } else if (character === '"' && field === '') isQuoted = true;
    else if (character === separator) {
      fields.push(field);
      field = '';
    } else if (character === '\n') endRow();
    else if (character !== '\r') field += character;
    if (character === '\n') line++;
  }
  endRow();
  return rows;
}
