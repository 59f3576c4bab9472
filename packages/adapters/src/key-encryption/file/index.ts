export { openFileKeyEncryption } from './file-key-encryption.ts';
