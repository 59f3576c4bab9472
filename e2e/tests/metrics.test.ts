import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '@enchilada/core/testing/free-port';
import { until } from '@enchilada/core/testing/until';
import { ADMIN, Site, startSshd } from './site.ts';

/** The value of a metric that has no labels, or the sum over them. */
function valueOf(text: string, name: string): number | undefined {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  if (lines.length === 0) return undefined;
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

test('metrics count what the node does, on a listener of their own and for whoever has the permission, and name nobody', async () => {
  await using sshd = await startSshd();
  const port = await freePort();
  await using site = await Site.start({ config: `metrics: { listen: "127.0.0.1:${port}" }\n` });
  const targetId = await site.machineOn(sshd, { name: 'measured machine' });
  await using shell = await site.admin.open(targetId);
  await shell.live();
  shell.type('seq 1 5000; echo all-$((5+5))-shown\r');
  await shell.see('all-10-shown');
  const refused = await site.admin.open(await site.machine({ host: sshd.host, port: 1, name: 'closed machine' }));
  assert.equal((await refused.ended()).fault?.code, 'TARGET_REFUSED');
  await refused.leave();

  const read = async (url: string, cookie = ''): Promise<{ readonly status: number; readonly text: string }> => {
    const response = await fetch(url, { headers: { cookie, origin: site.gateway.url } });
    return { status: response.status, text: await response.text() };
  };
  const refusal = /^enchilada_sessions_ended_total\{reason="TARGET_REFUSED"\} 1$/mu;
  let own = await read(`http://127.0.0.1:${port}/metrics`);
  assert.equal(own.status, 200);
  // Who sat in the session is told before its end is written down and counted.
  await until(async () => {
    own = await read(`http://127.0.0.1:${port}/metrics`);
    return refusal.test(own.text);
  });
  for (const [name, least] of Object.entries({
    enchilada_sessions: 1,
    enchilada_viewers: 1,
    enchilada_session_output_bytes: 20_000,
    enchilada_session_input_bytes: 1,
    enchilada_session_open_seconds_count: 1,
    enchilada_sessions_ended_total: 1,
    enchilada_errors_total: 0,
    enchilada_recorder_lag_seconds: 0,
    enchilada_recorder_lag_bytes: 0,
    enchilada_recorder_unstored_bytes: 0,
    enchilada_recorder_spool_free_bytes: 1,
    enchilada_recorder_failures: 0,
    enchilada_event_loop_delay_p99_seconds: 0,
    enchilada_discovery_events_total: 0,
    enchilada_discovery_events_copied_total: 0,
    enchilada_discovery_sweeps_total: 0,
    enchilada_discovery_scopes_held: 0,
    enchilada_http_request_seconds_count: 1,
  })) {
    const value = valueOf(own.text, name);
    assert.ok(value !== undefined && value >= least, `${name} is ${value}, at least ${least} was expected`);
  }
  // Whoever reads them learns that people work, and not who or where.
  for (const name of [ADMIN.username, 'measured machine', targetId, shell.sessionId])
    assert.ok(!own.text.includes(name), name);
  for (const path of ['/', '/api/v1/metrics', '/healthz', '/metrics/'])
    assert.equal((await read(`http://127.0.0.1:${port}${path}`)).status, 404, path);

  const url = `${site.gateway.url}/api/v1/metrics`;
  const permitted = await read(url, site.admin.cookie);
  assert.deepEqual([permitted.status, valueOf(permitted.text, 'enchilada_sessions')], [200, 1]);
  assert.equal((await read(url)).status, 401);
  const user = await site.person('curious');
  assert.equal((await read(url, user.cookie)).status, 403);
});
