import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiProblem } from '@enchilada/contract';
import { Person } from '../product/index.ts';
import { TwoNodes } from './two-nodes.ts';

const PASSWORD = 'nine quiet herons by the weir';
const ATTEMPTS = 40;

let both: TwoNodes;
let thea: Enrolled;
let theo: Enrolled;

before(async () => {
  both = await TwoNodes.start();
  const admin = await both.bootstrap();
  for (const username of ['thea', 'theo'])
    await admin.api.createUser({ body: { username, password: PASSWORD, displayName: '', role: 'user' } });
  // First of all: strangers to an address are slowed after many failures from there, known people are not.
  thea = await enrol('thea');
  theo = await enrol('theo');
});
after(() => both[Symbol.asyncDispose]());

/** Somebody half-way through the door of one of the nodes, as often as wanted. */
async function atTheDoor(username: string, count: number): Promise<readonly Person[]> {
  const people: Person[] = [];
  for (let index = 0; index < count; index++) {
    const person = new Person(index % 2 === 0 ? both.a.url : both.b.url);
    const { stage } = await person.api.login({ body: { username, password: PASSWORD } });
    assert.equal(stage, 'second-factor');
    people.push(person);
  }
  return people;
}

async function winners(attempts: readonly Promise<unknown>[]): Promise<number> {
  const outcomes = await Promise.allSettled(attempts);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') {
      const problem = outcome.reason as unknown;
      assert.ok(
        problem instanceof ApiProblem && ['FACTOR_REFUSED', 'THROTTLED', 'UNAUTHENTICATED'].includes(problem.code),
        String(problem),
      );
    }
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
}

type Enrolled = Awaited<ReturnType<Person['enrolApp']>>;

async function enrol(username: string): Promise<Enrolled> {
  const person = await Person.signIn(both.a.url, { username, password: PASSWORD });
  return person.enrolApp();
}

/** Everybody tries at once, each login on both nodes. */
function everywhere(people: readonly Person[], code: string): readonly Promise<unknown>[] {
  return Array.from({ length: ATTEMPTS }, (_unused, index) => {
    const url = index % 2 === 0 ? both.a.url : both.b.url;
    return people[index % people.length]?.at(url).api.prove({ body: { code } }) ?? Promise.reject(new Error('nobody'));
  });
}

test('of forty uses of one code at once on two nodes, one signs in', async () => {
  const people = await atTheDoor('thea', 3);
  assert.equal(await winners(everywhere(people, thea.app.code())), 1);
});

test('of forty uses of one recovery code at once on two nodes, one signs in', async () => {
  const people = await atTheDoor('theo', 3);
  assert.equal(await winners(everywhere(people, theo.recoveryCodes[0] ?? '')), 1);
});
