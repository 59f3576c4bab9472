export { CONFIG_KEYS } from './keys.ts';
export type { Config, ConfigKey } from './keys.ts';
export { readCertificates } from './read-certificates.ts';
export { loadConfig } from './load-config.ts';
export type { LoadedConfig } from './load-config.ts';
export { isLoopback, planListening } from './listen-plan.ts';
export type { ListenPlan } from './listen-plan.ts';
export { configReference, configSchema } from './reference.ts';
