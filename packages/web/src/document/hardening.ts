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

/** Of the ways to create an element, the one that all of them go. */
interface ElementSource {
  createElement: (name: string, options?: ElementCreationOptions) => HTMLElement;
}

/** Style elements that libraries create carry the nonce; the terminal's renderer has no option for it. */
function giveStylesTheNonce(nonce: string): void {
  const source: ElementSource = document;
  const create = source.createElement.bind(document);
  source.createElement = (name, options) => {
    const element = create(name, options);
    if (name.toLowerCase() === 'style') element.nonce = nonce;
    return element;
  };
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
