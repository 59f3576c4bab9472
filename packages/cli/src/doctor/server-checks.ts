import { httpFetch, type HttpOptions, type HttpResponse } from '../login/http-fetch.ts';
import { type Check, fail, ok, warn } from './check.ts';

const CLOCK_WARN_MS = 5_000;
const CLOCK_FAIL_MS = 60_000;

/** The server's Date header counts whole seconds. */
export function judgeClock(date: string | null, now: number): Check {
  const server = Date.parse(date ?? '');
  if (Number.isNaN(server)) return warn('clock', 'the server tells no time', 'compare the clocks by hand');
  const off = Math.max(0, Math.abs(now - server) - 1000);
  const found = `${(off / 1000).toFixed(0)} s between this machine and the server`;
  const todo = 'synchronise both with NTP: certificates, logins and audit times depend on it';
  if (off > CLOCK_FAIL_MS) return fail('clock', found, todo);
  return off > CLOCK_WARN_MS ? warn('clock', found, todo) : ok('clock', found);
}

async function get(url: string, options: HttpOptions): Promise<HttpResponse> {
  const response = await httpFetch(options)(url, {
    method: 'GET',
    headers: {},
    credentials: 'same-origin',
    redirect: 'error',
    signal: AbortSignal.timeout(10_000),
  });
  response.body.resume();
  return response;
}

/** Alive, ready (its database answers, its recorder takes output), and in time. */
export async function checkServer(url: string, options: HttpOptions, now: () => number): Promise<readonly Check[]> {
  let alive: HttpResponse;
  try {
    alive = await get(`${url}/healthz`, options);
  } catch (error) {
    return [
      fail(
        'server',
        error instanceof Error ? error.message : String(error),
        'start the gateway, or name its address with --url',
      ),
    ];
  }
  const clock = judgeClock(alive.headers.get('date'), now());
  if (alive.status !== 200)
    return [fail('server', `${url}/healthz answered ${alive.status}`, 'look into the log of the gateway'), clock];
  try {
    const ready = await get(`${url}/readyz`, options);
    if (ready.status === 200)
      return [ok('server', `${url} is alive`), ok('database', 'the server is ready: its database answers'), clock];
    const todo = 'look into the log: the database does not answer, recordings cannot be written, or the node drains';
    return [ok('server', `${url} is alive`), fail('database', `${url}/readyz answered ${ready.status}`, todo), clock];
  } catch (error) {
    return [
      ok('server', `${url} is alive`),
      fail('database', error instanceof Error ? error.message : String(error), 'look into the log of the gateway'),
      clock,
    ];
  }
}
