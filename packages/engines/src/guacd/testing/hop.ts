import { randomBytes } from 'node:crypto';
import { DEFAULT_EGRESS } from '@enchilada/core/access';
import { Secret } from '@enchilada/core/credential';
import type { Hop, ParameterValues } from '@enchilada/core/engine';
import { testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { createDialer } from '../../shared/index.ts';
import { createGuacd } from '../index.ts';
import type { GuacdOptions } from '../guacd-engine.ts';

export const PROTOCOLS = ['rdp', 'vnc', 'ssh'];

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type EngineWishes = Partial<Pick<GuacdOptions, 'limits' | 'allowVulnerable' | 'servers' | 'authorities'>> & {
  readonly lookup?: (host: string) => Promise<readonly string[]>;
};

export function engine({ host, port }: Address, { lookup, ...wishes }: EngineWishes = {}) {
  return createGuacd({
    dialer: createDialer({
      ...{ policy: { ...DEFAULT_EGRESS, allowLoopback: true }, builtIn: new Map() },
      ...(lookup === undefined ? {} : { lookup }),
    }),
    random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    protocols: PROTOCOLS,
    provesName: { rdp: ({ security }) => security !== 'rdp' },
    servers: [{ host, port, tls: false, weight: 1 }],
    allowVulnerable: true,
    ...wishes,
  });
}

export interface HopWishes extends Address {
  readonly protocol: string;
  readonly username?: string;
  readonly password: string;
  readonly parameters?: ParameterValues;
  readonly loginPassword?: string;
}

export function hopTo({ host, port, protocol, username = '', password, parameters = {}, ...own }: HopWishes): Hop {
  const target = testTarget({
    ...{ id: `tgt_${port}`, protocol: 'guacd', host, port },
    parameters: { protocol, ...parameters },
  });
  return {
    leave: testLeave(target),
    credential: () => Promise.resolve({ kind: 'password', username, password: new Secret(password) }),
    loginPassword: () => Promise.resolve(own.loginPassword === undefined ? undefined : new Secret(own.loginPassword)),
    verifyHostKey: () => Promise.resolve(),
  };
}
