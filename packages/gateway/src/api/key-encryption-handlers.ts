import { actorOf, type Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';

export function keyEncryptionHandlers({
  audit,
  rotation,
}: ApiParts): Pick<Handlers, 'getKeyEncryption' | 'rewrapKeys'> {
  return {
    getKeyEncryption: async () => {
      const { keyId, keys, opens } = rotation.keys;
      const [counts, nodesWithout] = await Promise.all([rotation.counts(), rotation.nodesWithout()]);
      return {
        current: keyId,
        keys: [...keys],
        sealed: counts.map((row) => ({ ...row, opens: opens.includes(row.keyId) })),
        nodesWithout: [...nodesWithout],
      };
    },

    rewrapKeys: async (context) => {
      const turn = await rotation.turn();
      const { keyId } = rotation.keys;
      await audit.append({
        action: 'keys.rewrapped',
        ...actorOf(context),
        object: { kind: 'key-encryption-key', id: keyId },
        outcome: turn.failed === 0 ? 'success' : 'failure',
        detail: { ...turn },
      });
      return turn;
    },
  };
}
