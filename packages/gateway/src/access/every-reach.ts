import { actionsOf, type AccessView, decideForAll, TargetIndex } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { JudgedPerson, PastMoment } from './policy-moment.ts';
import { groundOf, machinesByName, type Reach, reachOf, viewOf } from './reach.ts';

/** What a spreadsheet holds; the words of the fault say it too. */
const MOST_ROWS = 1_000_000;
const ROWS_IN_A_TURN = 500;
/** Many people have the same grants, by the same groups. */
const MOST_KEPT = 16;

export interface EveryReach {
  readonly rows: number;
  readonly reaches: AsyncIterable<Reach>;
}

/** Everybody and everything at a moment, person by person, in turns with whatever else the process does. @throws Fault REPORT_TOO_LARGE as soon as it is too much for a file */
export async function everyReach(moment: PastMoment, most = MOST_ROWS): Promise<EveryReach> {
  const machines = await machinesByName(moment);
  const ground = await groundOf(moment, machines);
  const index = new TargetIndex(machines, ground.ancestors);
  const decide = decisions(index);
  const reaching: { readonly person: JudgedPerson; readonly view: AccessView }[] = [];
  let rows = 0;
  for (const person of await moment.people()) {
    const view = await viewOf(moment, ground, person);
    if (view === undefined) continue;
    const { count } = decide(view);
    if (count === 0) continue;
    rows += count;
    if (rows > most) {
      const words = `everything has more than ${most} rows, the most of a file: ask about people or machines one by one`;
      throw new Fault('REPORT_TOO_LARGE', words, { facts: { most } });
    }
    reaching.push({ person, view });
    await turn();
  }

  async function* reaches(): AsyncGenerator<Reach> {
    let told = 0;
    for (const { person, view } of reaching) {
      await turn();
      const { bits } = decide(view);
      for (const [at, machine] of machines.entries()) {
        const actions = actionsOf(bits[at] ?? 0);
        if (actions.size === 0) continue;
        if (++told % ROWS_IN_A_TURN === 0) await turn();
        yield reachOf({ person, view }, machine, { ground, actions });
      }
    }
  }
  return { rows, reaches: reaches() };
}

interface Decision {
  readonly bits: Uint16Array;
  readonly count: number;
}

/** INVARIANT: all grants of a view are about its person, so that views with the same grants are decided alike. */
function decisions(index: TargetIndex): (view: AccessView) => Decision {
  const kept = new Map<string, Decision>();
  return (view) => {
    const key = view.grants.map(({ id }) => id).join(' ');
    const known = kept.get(key);
    if (known !== undefined) return known;
    const bits = decideForAll(view, index);
    const decision = { bits, count: bits.reduce((sum, each) => sum + (each === 0 ? 0 : 1), 0) };
    const [oldest] = kept.keys();
    if (kept.size >= MOST_KEPT && oldest !== undefined) kept.delete(oldest);
    kept.set(key, decision);
    return decision;
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
