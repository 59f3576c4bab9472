/** What Guacamole's [parameter tokens](https://guacamole.apache.org/doc/gug/configuring-guacamole.html#parameter-tokens) stand for. */
export type Tokens = Readonly<Record<string, string>>;

const TOKEN = /(\$)?\$\{([A-Za-z0-9_]{1,64})(?::([^{}]{0,40}))?\}/gu;

/** `${NAME}`, `${NAME:LOWER}`, `${NAME:UPPER}`, `${NAME:OPTIONAL}`; `$${NAME}` stands for itself. A token that is not known stays as it is, a modifier that is not known changes nothing. @param used hears of each token that is filled in, and may throw */
export function withTokens(text: string, tokens: Tokens, used: (name: string) => void = () => undefined): string {
  return text.replace(TOKEN, (whole, ...parts) => {
    const [escaped, name, modifier] = parts as unknown as readonly [string | undefined, string, string | undefined];
    if (escaped !== undefined) return whole.slice(1);
    const value = Object.hasOwn(tokens, name) ? tokens[name] : undefined;
    if (value !== undefined) used(name);
    switch (modifier) {
      case 'LOWER':
        return value?.toLowerCase() ?? whole;
      case 'UPPER':
        return value?.toUpperCase() ?? whole;
      case 'OPTIONAL':
        return value ?? '';
      default:
        return value ?? whole;
    }
  });
}
