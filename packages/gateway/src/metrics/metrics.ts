import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { RecorderStats } from '@enchilada/core/recording';
import type { BrokerObservation } from '@enchilada/core/session';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestObservation } from '../http/app.ts';

/** What the sources of this node did since it started, and how well their scopes are known now. */
export interface DiscoveryNumbers {
  readonly messages: number;
  readonly retried: number;
  readonly copies: number;
  readonly changes: number;
  readonly sweeps: number;
  readonly failedSweeps: number;
  readonly refusedEvents: number;
  readonly staleScopes: number;
  readonly heldScopes: number;
  readonly retiredScopes: number;
  readonly troubles: number;
  /** Since the scope that was swept longest ago was swept. */
  readonly oldestSweepSeconds: number;
}

export interface MetricSources {
  readonly discovery: () => DiscoveryNumbers;
  readonly liveSessions: () => number;
  readonly sessionBytes: () => { readonly in: number; readonly out: number };
  readonly recorder: () => RecorderStats | undefined;
}

/** Looks of the process at its own delays wake it. */
const LOOP_LOOK_MS = 50;

/** What Prometheus reads. Labels come from fixed sets: no name of a person or machine is ever one. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = new Histogram({
    name: 'enchilada_http_request_seconds',
    help: 'HTTP requests.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2],
    registers: [this.#registry],
  });
  readonly #opens = new Histogram({
    name: 'enchilada_session_open_seconds',
    help: 'From the control socket to the first output of a session.',
    buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 15],
    registers: [this.#registry],
  });
  readonly #ends = new Counter({
    name: 'enchilada_sessions_ended_total',
    help: 'Ended sessions.',
    labelNames: ['reason'],
    registers: [this.#registry],
  });
  readonly #viewers = new Gauge({ name: 'enchilada_viewers', help: 'Attached viewers.', registers: [this.#registry] });
  #isWatching = false;
  readonly #errors = new Counter({
    name: 'enchilada_errors_total',
    help: 'Answers of 500 and above.',
    registers: [this.#registry],
  });

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    };
    gauge('enchilada_sessions', 'Live sessions of this node.', sources.liveSessions);
    gauge('enchilada_session_input_bytes', 'Bytes from people in live sessions.', () => sources.sessionBytes().in);
    gauge('enchilada_session_output_bytes', 'Bytes from machines in live sessions.', () => sources.sessionBytes().out);
    gauge(
      'enchilada_recorder_lag_seconds',
      'Age of the oldest output that the journal has not taken.',
      () => (sources.recorder()?.lagMs ?? 0) / 1000,
    );
    gauge(
      'enchilada_recorder_lag_bytes',
      'Output that the journal has not taken.',
      () => sources.recorder()?.lagBytes ?? 0,
    );
    gauge(
      'enchilada_recorder_unstored_bytes',
      'Recorded bytes that are in the journal alone.',
      () => sources.recorder()?.unstoredBytes ?? 0,
    );
    gauge('enchilada_recorder_spool_free_bytes', 'Room in the spool.', () => sources.recorder()?.spoolFreeBytes ?? 0);
    gauge('enchilada_recorder_failures', 'Failures of the recorder.', () => sources.recorder()?.failures ?? 0);
    const discovery = (name: string, help: string, key: keyof DiscoveryNumbers): void => {
      gauge(`enchilada_discovery_${name}`, help, () => sources.discovery()[key]);
    };
    const counter = (name: string, help: string, key: keyof DiscoveryNumbers): void => {
      new Counter({
        name: `enchilada_discovery_${name}_total`,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(sources.discovery()[key]);
        },
      });
    };
    counter('events', 'Messages taken from queues of events.', 'messages');
    counter('events_copied', 'Events that were taken in before and cost no call.', 'copies');
    counter('events_retried', 'Messages given back for later.', 'retried');
    counter('events_refused', 'Events of accounts that no source lists.', 'refusedEvents');
    counter('changes', 'Changes of the catalog by discovery.', 'changes');
    counter('sweeps', 'Full listings of a scope.', 'sweeps');
    counter('sweeps_failed', 'Listings that failed.', 'failedSweeps');
    discovery('scopes_stale', 'Scopes whose listings fail.', 'staleScopes');
    discovery('scopes_held', 'Scopes with removals that wait for a person.', 'heldScopes');
    discovery('scopes_retired', 'Scopes that their sources no longer list.', 'retiredScopes');
    discovery(
      'troubles',
      'Sources whose accounts, regions or events cannot be read, as this node meets it.',
      'troubles',
    );
    discovery('oldest_sweep_seconds', 'Age of the oldest full listing of a scope.', 'oldestSweepSeconds');
  }

  /** What the process sees of itself. It is woken 40 times a second for this, most of what a gateway at rest costs: nobody pays it who never reads. */
  #watchProcess(): void {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_LOOK_MS });
    const delay = monitorEventLoopDelay({ resolution: LOOP_LOOK_MS });
    delay.enable();
    new Gauge({
      name: 'enchilada_event_loop_delay_p99_seconds',
      help: 'Delay of the event loop since the last reading.',
      registers: [this.#registry],
      collect() {
        // The histogram holds the time between two looks.
        const p99 = delay.percentile(99) / 1e9 - LOOP_LOOK_MS / 1_000;
        delay.reset();
        this.set(Number.isFinite(p99) ? Math.max(0, p99) : 0);
      },
    });
  }

  readonly heardRequest = ({ method, route, status, ms }: RequestObservation): void => {
    this.#requests.observe({ method, route, status: String(status) }, ms / 1000);
    if (status >= 500) this.#errors.inc();
  };

  readonly heardBroker = (observation: BrokerObservation): void => {
    switch (observation.type) {
      case 'opened':
        this.#opens.observe(observation.ms / 1000);
        return;
      case 'ended':
        this.#ends.inc({ reason: observation.reason });
        return;
      case 'viewer':
        this.#viewers.inc(observation.change);
        return;
    }
  };

  get mediaType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    if (!this.#isWatching) this.#watchProcess();
    this.#isWatching = true;
    return this.#registry.metrics();
  }
}
