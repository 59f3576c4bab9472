import { argon2 } from '@enchilada/adapters/password-hasher/argon2';
import { Secret } from '@enchilada/core/credential';
import { Person } from '../../product/index.ts';
import { startSite, Workplace } from '../bench-site.ts';
import type { Experiment } from '../figure.ts';
import { cpuSeconds, median, rounded } from '../measure.ts';

const ROUNDS = 6;
const SIGN_INS = 20;
const PERSON = { username: 'somebody', password: 'a long phrase without a name 5' };

export const signInCpu: Experiment = {
  figures: ['sign-in-cpu-ms'],
  async run() {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const site = owned.use(await startSite(place));
    await site.admin.api.createUser({ body: { ...PERSON, displayName: 'Somebody', role: 'user' } });
    const hasher = argon2();
    const secret = new Secret(PERSON.password);
    const hash = await hasher.hash(secret);
    const { pid, url } = site.gateway;
    const ours = async (): Promise<number> => {
      const before = await cpuSeconds(pid);
      for (let count = 0; count < SIGN_INS; count += 1) {
        const person = await Person.signIn(url, PERSON);
        await person.api.getMe();
      }
      return (((await cpuSeconds(pid)) - before) * 1_000) / SIGN_INS;
    };
    const hashing = async (): Promise<number> => {
      const before = process.cpuUsage();
      for (let count = 0; count < SIGN_INS; count += 1)
        if (!(await hasher.verify(secret, hash))) throw new Error('the password does not fit its hash');
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000 / SIGN_INS;
    };
    await ours();
    await hashing();
    const samples = { ours: [] as number[], other: [] as number[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      samples.ours.push(await ours());
      samples.other.push(await hashing());
    }
    const added = samples.ours.map((ms, index) => ms - (samples.other[index] ?? 0));
    return [
      {
        id: 'sign-in-cpu-ms',
        value: median(added),
        how: `CPU of the gateway, all its threads, for POST /login over a TLS connection of its own where the client opens one, and GET /me after it, less the CPU of one argon2id verification with the product's parameters, by turns; median of ${ROUNDS} rounds of ${SIGN_INS}; the whole sign-in ${median(samples.ours).toFixed(0)} ms, the verification ${median(samples.other).toFixed(0)} ms`,
        samples: { ours: rounded(samples.ours, 1), other: rounded(samples.other, 1) },
      },
    ];
  },
};
