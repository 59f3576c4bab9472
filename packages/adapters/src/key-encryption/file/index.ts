export { openFileKeyEncryption } from './file-key-encryption.ts';
export type { FileKeyEncryptionOptions } from './file-key-encryption.ts';
