// node --import this: loads one source file with one text replaced, as MUTATION says. Throws where the text is not there any more.
import { registerHooks } from 'node:module';

const { file, from, to } = JSON.parse(process.env['MUTATION'] ?? '{}');

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (file === undefined || !url.endsWith(file)) return loaded;
    const source = String(loaded.source);
    if (source.split(from).length !== 2) throw new Error(`${file} does not hold ${JSON.stringify(from)} exactly once`);
    return { ...loaded, source: source.replace(from, () => to) };
  },
});
