import { createHash } from 'node:crypto';
import { chainedLog } from '@enchilada/adapters/audit-log/chained';
import { aws, lambdaDeliveries, type SqsBatchResponse, type SqsEvent } from '@enchilada/adapters/discovery-source/aws';
import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import { systemClock as clock, systemRandom as random } from './clock.ts';
import { EventWorker } from './discovery/event-worker.ts';

/** Whose chain of the audit log it writes: the function's, and no node's. */
const NAME = 'lambda';
const LONGEST_MS = 60_000;
/** Of every protocol that a rule may choose; `lambda.test.ts` compares with the engines. */
export const PORTS: Readonly<Record<string, number>> = {
  ssh: 22,
  rdp: 3389,
  vnc: 5900,
  telnet: 23,
  kubernetes: 6443,
  guacd: 3389,
};

let opened: Promise<EventWorker> | undefined;

/**
 * Discovery's events as an AWS Lambda function in front of the queue, for those who want no node to poll it: the same processing, its own composition,
 * because a function has neither engines nor recordings. Set `ReportBatchItemFailures` in the event source mapping.
 */
export async function handler(event: SqsEvent): Promise<SqsBatchResponse> {
  const { deliveries, response } = lambdaDeliveries(event);
  opened ??= openStore().then(workerOn);
  try {
    await (await opened).take(deliveries, AbortSignal.timeout(LONGEST_MS));
  } catch (failure) {
    opened = undefined;
    throw failure;
  }
  return response();
}

export function workerOn(store: Store): EventWorker {
  const report = (message: string, cause: unknown): void => {
    process.stderr.write(`${JSON.stringify({ message, cause: cause instanceof Error ? cause.message : cause })}\n`);
  };
  return new EventWorker({
    ...{ store, clock, random, report, name: NAME },
    // Two invocations at once write one chain: the later one links its records anew.
    audit: chainedLog({
      ...{ store, clock, node: NAME, sinks: [] },
      sha256: (bytes) => createHash('sha256').update(bytes).digest(),
      onSinkFailure: (cause) => {
        report('an audit sink failed', cause);
      },
    }),
    type: aws({ clock }),
    source: process.env['ENCHILADA_SOURCE'],
    projection: { protocols: { linux: 'ssh', windows: 'rdp' }, portOf: (protocol) => PORTS[protocol] },
  });
}

/** The database of the nodes. They migrate it; the function never does. */
async function openStore(): Promise<Store> {
  const url = process.env['ENCHILADA_DATABASE_URL'] ?? '';
  const server = { url: new Secret(url), allowPlaintext: false };
  if (/^postgres(?:ql)?:/u.test(url)) return (await import('@enchilada/adapters/store/postgres')).postgres(server);
  if (/^(?:mysql|mariadb):/u.test(url)) return (await import('@enchilada/adapters/store/mysql')).mysql(server);
  throw new Fault('CONFIGURATION_INVALID', 'ENCHILADA_DATABASE_URL must name the database of the nodes', {
    facts: { key: 'ENCHILADA_DATABASE_URL' },
  });
}
