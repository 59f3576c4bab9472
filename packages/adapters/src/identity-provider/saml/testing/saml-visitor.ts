import { CookieKeeper } from '../../shared/testing/cookie-keeper.ts';

export interface PostedForm {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

const unescape = (text: string): string =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&#039;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');

/** A browser without a browser, at the identity provider: keeps its cookies and follows its pages. */
export class SamlVisitor {
  readonly #keeper = new CookieKeeper();

  /** @returns the form that the provider sends the browser back with */
  async signIn(address: string, person: { readonly name: string; readonly password: string }): Promise<PostedForm> {
    let response = await this.#follow(address);
    for (let step = 0; step < 5; step++) {
      const page = await response.text();
      const form = formIn(page, response.url);
      if (form.fields['SAMLResponse'] !== undefined) return form;
      const fields = { ...form.fields, username: person.name, password: person.password };
      response = await this.#follow(form.action, new URLSearchParams(fields));
    }
    throw new Error('the provider never sent the browser back');
  }

  /** Follows redirects until the provider sends the browser to this address. */
  async goUntil(address: string, home: string): Promise<URL> {
    let next = new URL(address);
    for (let step = 0; step < 15; step++) {
      if (`${next.origin}${next.pathname}` === home) return next;
      const response = await this.#keeper.fetch(next.href);
      const location = response.headers.get('location');
      if (location === null) throw new Error(`the provider shows a page: ${(await response.text()).slice(0, 2_000)}`);
      next = new URL(location, next);
    }
    throw new Error('the provider never sent the browser back');
  }

  async #follow(address: string, form?: URLSearchParams): Promise<Response> {
    let response = await this.#keeper.fetch(address, form);
    for (let step = 0; step < 15; step++) {
      const location = response.headers.get('location');
      if (location === null) return response;
      response = await this.#keeper.fetch(new URL(location, response.url).href);
    }
    throw new Error('the provider redirects for ever');
  }
}

function formIn(page: string, base: string): PostedForm {
  const form = /<form[^>]*>.*?<\/form>/su.exec(page)?.[0] ?? page;
  const action = unescape(/action="([^"]*)"/u.exec(form)?.[1] ?? '');
  const fields = Object.fromEntries(
    [...form.matchAll(/<input[^>]*>/gu)].flatMap(([input]) => {
      const name = /name="([^"]*)"/u.exec(input)?.[1];
      return name === undefined ? [] : [[unescape(name), unescape(/value="([^"]*)"/u.exec(input)?.[1] ?? '')]];
    }),
  );
  return { action: new URL(action, base).href, fields };
}
