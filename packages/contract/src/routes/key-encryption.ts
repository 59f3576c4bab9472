import { KeyEncryptionStatus, KeyRewrapping } from '../models/key-encryption.ts';
import { routes } from '../route.ts';

export const keyEncryptionRoutes = routes({
  getKeyEncryption: {
    method: 'GET',
    path: '/key-encryption',
    access: 'settings.read',
    summary: 'The key-encryption keys that this node opens, and what is sealed under which.',
    response: { 200: KeyEncryptionStatus },
  },
  rewrapKeys: {
    method: 'POST',
    path: '/key-encryption/rewrap',
    access: 'settings.write',
    summary: 'Seals anew under the current key, as much as fits into a request; to be asked until nothing remains.',
    response: { 200: KeyRewrapping },
    audit: ['keys.rewrapped'],
  },
});
