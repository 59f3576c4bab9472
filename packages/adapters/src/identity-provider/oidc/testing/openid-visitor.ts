import { CookieKeeper } from '../../shared/testing/cookie-keeper.ts';

/** A browser without a browser, at an identity provider: keeps its cookies and follows its forms until it is sent back to us. */
export class OpenIdVisitor {
  readonly #keeper = new CookieKeeper();

  /** @returns the address at ours that the provider sends the browser to */
  async signIn(address: string, person: { readonly name: string; readonly home: string }): Promise<URL> {
    let response = await this.#keeper.fetch(address);
    for (let step = 0; step < 15; step++) {
      const location = response.headers.get('location');
      if (location !== null) {
        const next = new URL(location, response.url);
        if (next.origin === new URL(person.home).origin) return next;
        response = await this.#keeper.fetch(next.href);
        continue;
      }
      const page = await response.text();
      const action = /action="([^"]+)"/u.exec(page)?.[1] ?? '';
      const prompt = /name="prompt" value="([^"]+)"/u.exec(page)?.[1] ?? '';
      const fields = prompt === 'login' ? { prompt, login: person.name, password: 'x' } : { prompt };
      response = await this.#keeper.fetch(new URL(action, response.url).href, new URLSearchParams(fields));
    }
    throw new Error('the provider never sent the browser back');
  }

  /** Ends the login at the provider, as somebody does who goes there and signs out. */
  async signOut(address: string): Promise<void> {
    const page = await (await this.#keeper.fetch(address)).text();
    const xsrf = /name="xsrf" value="([^"]+)"/u.exec(page)?.[1] ?? '';
    const action = /action="([^"]+)"/u.exec(page)?.[1] ?? '';
    await this.#keeper.fetch(new URL(action, address).href, new URLSearchParams({ xsrf, logout: 'yes' }));
  }
}
