import type { BrowserContext, Page } from 'playwright-core';

/** Each function of a decoder in WebAssembly traps once the page has `decoderTraps`, as after a bug in it. */
export async function trapDecoders(where: BrowserContext | Page): Promise<void> {
  await where.addInitScript(() => {
    const real = WebAssembly.instantiateStreaming.bind(WebAssembly);
    WebAssembly.instantiateStreaming = async (...parameters) => {
      const { instance, module } = await real(...parameters);
      const exports = Object.fromEntries(
        Object.entries(instance.exports).map(([name, value]) => [
          name,
          typeof value === 'function' && !name.startsWith('__wbindgen')
            ? (...given: unknown[]): unknown => {
                if ('decoderTraps' in globalThis) throw new WebAssembly.RuntimeError('unreachable');
                return Reflect.apply(value, undefined, given);
              }
            : value,
        ]),
      );
      return { instance: { exports }, module };
    };
  });
}
