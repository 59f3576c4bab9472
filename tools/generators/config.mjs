import { configReference, configSchema } from '../../packages/gateway/src/config/reference.ts';

/** The files that follow from the configuration's table: path → text. */
export function generateConfig() {
  return new Map([
    ['config.schema.json', `${JSON.stringify(configSchema(), undefined, 2)}\n`],
    ['docs/configuring.md', configReference()],
  ]);
}
