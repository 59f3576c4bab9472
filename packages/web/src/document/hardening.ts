/** Lets scripts of this document work under its strict policy: `style-src 'nonce-…'` and `require-trusted-types-for 'script'`. */

interface TrustedTypePolicyFactory {
  createPolicy(
    name: 'default',
    rules: { createHTML(text: string): string; createScriptURL(url: string): string },
  ): unknown;
}

export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
}

/** Style elements that libraries create carry the nonce; the terminal's renderer has no option for it. */
function giveStylesTheNonce(nonce: string): void {
  const create = document.createElement.bind(document) as (
    name: string,
    options?: ElementCreationOptions,
  ) => HTMLElement;
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const element = create(name, options);
    if (name.toLowerCase() === 'style') element.nonce = nonce;
    return element;
  }) as typeof document.createElement;
}

/** INVARIANT: no text with a tag in it becomes HTML, whoever asks; style sheets and the empty string pass. */
function refuseMarkup(): void {
  const factory = (globalThis as { trustedTypes?: TrustedTypePolicyFactory }).trustedTypes;
  factory?.createPolicy('default', {
    createHTML(text) {
      if (/<[a-z!/?]/iu.test(text)) throw new TypeError('markup from text is refused');
      return text;
    },
    createScriptURL(url) {
      if (new URL(url, location.href).origin !== location.origin)
        throw new TypeError(`script of another origin is refused: ${url}`);
      return url;
    },
  });
}

export function hardenDocument(): void {
  const nonce = styleNonce();
  if (nonce !== '') giveStylesTheNonce(nonce);
  refuseMarkup();
}
