/** Label selectors as a person writes them: `env=prod,stage team=payments`. */
export function selectorOf(text: string): Record<string, string[]> {
  const selector: Record<string, string[]> = {};
  for (const term of text.trim().split(/\s+/u)) {
    const [key = '', values = ''] = term.split('=', 2);
    const given = values.split(',').filter((value) => value !== '');
    if (key !== '' && given.length > 0) selector[key] = [...new Set([...(selector[key] ?? []), ...given])];
  }
  return selector;
}

export function selectorText(selector: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(selector)
    .map(([key, values]) => `${key}=${values.join(',')}`)
    .join(' ');
}
