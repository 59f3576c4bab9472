import { SETTING_KEYS, type SettingKey, type SettingValues } from '@enchilada/contract';
import { Fault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import type { ConfigKey, LoadedConfig } from '../config/index.ts';

const MINUTE = 60_000;

/** Which key of the configuration fixes which setting. */
const CONFIGURED: Readonly<Record<SettingKey, ConfigKey | undefined>> = {
  bannerText: 'banner.text',
  bannerConsent: 'banner.consent',
  deviceSignIn: undefined,
  ownRecordings: undefined,
  inputRecording: 'recording.input',
  desktopInput: 'recording.desktopInput',
  secondFactor: 'secondFactor.required',
  loginIdleMinutes: 'login.idle',
  loginAbsoluteMinutes: 'login.absolute',
  sessionIdleMinutes: 'sessions.idle',
  sessionMaxMinutes: 'sessions.maximum',
  sessionGraceSeconds: 'sessions.grace',
  sessionsPerUser: 'sessions.perUser',
  watchersPerSession: 'sessions.watchers',
};

function defaults({ values }: LoadedConfig): SettingValues {
  const minutes = (key: 'login.idle' | 'login.absolute' | 'sessions.idle' | 'sessions.maximum'): number =>
    Math.max(1, Math.round(values[key] / MINUTE));
  return {
    bannerText: values['banner.text'],
    bannerConsent: values['banner.consent'],
    deviceSignIn: true,
    ownRecordings: true,
    inputRecording: values['recording.input'],
    desktopInput: values['recording.desktopInput'],
    secondFactor: values['secondFactor.required'],
    loginIdleMinutes: minutes('login.idle'),
    loginAbsoluteMinutes: minutes('login.absolute'),
    sessionIdleMinutes: minutes('sessions.idle'),
    sessionMaxMinutes: minutes('sessions.maximum'),
    sessionGraceSeconds: Math.round(values['sessions.grace'] / 1000),
    sessionsPerUser: values['sessions.perUser'],
    watchersPerSession: values['sessions.watchers'],
  };
}

/** What administrators may change while the product runs. What the configuration names is fixed; the rest lives in the database, for all nodes. */
export class SettingsService {
  readonly #store: Store;
  readonly #config: LoadedConfig;
  readonly #defaults: SettingValues;
  readonly fixed: readonly SettingKey[];
  #current: SettingValues;

  constructor(store: Store, config: LoadedConfig) {
    this.#store = store;
    this.#config = config;
    this.#defaults = defaults(config);
    this.#current = this.#defaults;
    this.fixed = SETTING_KEYS.filter((key) => {
      const name = CONFIGURED[key];
      return name !== undefined && config.given.has(name);
    });
  }

  /** As of the last `refresh`. */
  get current(): SettingValues {
    return this.#current;
  }

  /** Whether a grant may let sessions go unrecorded. */
  get allowsExempt(): boolean {
    return this.#config.values['recording.allowExempt'];
  }

  get weakenings(): readonly string[] {
    return this.#config.weakenings;
  }

  /** Reads what another node may have written. Called at start and on a timer. */
  async refresh(): Promise<SettingValues> {
    const stored = await this.#store.now.settings.all();
    const overrides = SETTING_KEYS.flatMap((key) => {
      const text = stored[`setting.${key}`];
      return text === undefined || this.fixed.includes(key) ? [] : [[key, JSON.parse(text) as unknown] as const];
    });
    this.#current = { ...this.#defaults, ...(Object.fromEntries(overrides) as Partial<SettingValues>) };
    return this.#current;
  }

  /** @throws Fault CONFLICT for what the configuration fixes */
  async change(values: Partial<SettingValues>): Promise<readonly SettingKey[]> {
    await this.refresh();
    const names = SETTING_KEYS.filter((key) => values[key] !== undefined && values[key] !== this.#current[key]);
    const fixed = names.find((key) => this.fixed.includes(key));
    if (fixed !== undefined)
      throw new Fault('CONFLICT', `${fixed} is fixed by the configuration`, { facts: { setting: fixed } });
    const next = { ...this.#current, ...values };
    if (next.loginIdleMinutes > next.loginAbsoluteMinutes)
      throw new Fault('INVALID_REQUEST', 'loginIdleMinutes must not exceed loginAbsoluteMinutes');
    await this.#store.transaction(async (tx) => {
      for (const key of names) await tx.settings.set(`setting.${key}`, JSON.stringify(values[key]));
    });
    await this.refresh();
    return names;
  }
}
