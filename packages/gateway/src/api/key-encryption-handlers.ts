import { escapeText } from '@enchilada/core/text';
import type { RingKey } from '../credentials/key-ring.ts';
import { actorOf, type Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';

export function keyEncryptionHandlers({
  audit,
  rotation,
  nodeId,
}: ApiParts): Pick<Handlers, 'getKeyEncryption' | 'rewrapKeys'> {
  return {
    getKeyEncryption: async () => {
      const { keyId, keys, opens } = rotation.keys;
      const [counts, nodesWithout] = await Promise.all([rotation.counts(), rotation.nodesWithout()]);
      return {
        node: nodeId,
        current: keyId,
        keys: keys.map(describe),
        sealed: counts.map((row) => ({ ...row, opens: opens.includes(row.keyId) })),
        nodesWithout: [...nodesWithout],
        rewrapping: rotation.isTurning,
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

/** A reason may quote the service's answer. */
function describe({ id, name, service }: RingKey) {
  if (service?.failure === undefined) return { id, name, ...(service === undefined ? {} : { service }) };
  const { at, reason } = service.failure;
  return { id, name, service: { ...service, failure: { at, reason: escapeText(reason).slice(0, 1000) } } };
}
