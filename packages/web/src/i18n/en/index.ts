import { common } from './common.ts';
import { entry } from './entry.ts';
import { keys } from './keys.ts';
import { machines } from './machines.ts';
import { files } from './files.ts';
import { session } from './session.ts';
import { player } from './player.ts';
import { credential } from './credential.ts';
import { discovery } from './discovery.ts';
import { provider } from './provider.ts';
import { requests } from './requests.ts';
import { office } from './office.ts';
import { faults } from './faults.ts';
import { secondFactor } from './second-factor.ts';

export const en = {
  ...common,
  ...entry,
  ...machines,
  ...session,
  ...files,
  ...player,
  ...office,
  ...provider,
  ...requests,
  ...credential,
  ...keys,
  ...discovery,
  ...secondFactor,
  ...faults,
} as const;
