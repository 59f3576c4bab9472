import { command, done } from '../frame/command.ts';
import { CommandFailure, usage } from '../frame/exit-code.ts';
import { when } from '../frame/table.ts';
import { askGateway, requireFolder } from './ask-gateway.ts';

const WAIT_MS = 30_000;

export const recoverCommands = [
  command('user recover', {
    summary: 'Make a one-time link by which a person sets a new password, when nobody can sign in.',
    words: ['USERNAME'],
    options: {
      'data-dir': { type: 'string', value: 'FOLDER', says: "the gateway's data folder on this machine" },
      enable: { type: 'boolean', says: 'also enable the account where it is disabled' },
      'reset-factors': { type: 'boolean', says: 'also remove its second factors, where they are lost' },
    },
    details: [
      'Runs on the machine of the gateway, as its account or as root: whoever may write the data folder may recover an account. The gateway must be running.',
      'The link works once, for 15 minutes, on every node; a new one takes the place of the one before. It sets a password and ends all logins of the person, who then signs in as usual.',
      'Making it is audited as recovery.issued, using it as user.recovered.',
    ],
    async run({ io, words: [username = ''], options }) {
      const dataDir = options['data-dir'];
      if (dataDir === undefined) throw usage('--data-dir is missing');
      await requireFolder(dataDir);
      const { link, expiresAt } = await askGateway(
        {
          kind: 'recover-user',
          username,
          enable: options.enable === true,
          resetFactors: options['reset-factors'] === true,
        },
        { dataDir, now: io.now, waitMs: WAIT_MS, env: io.env },
      );
      if (typeof link !== 'string' || typeof expiresAt !== 'number')
        throw new CommandFailure(1, 'the answer of the gateway holds no link');
      return done({ username, link, expiresAt }, `One-time link for ${username}, until ${when(expiresAt)}:`, link);
    },
  }),
];
