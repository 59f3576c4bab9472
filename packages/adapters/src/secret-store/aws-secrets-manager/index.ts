export { awsSecretsManager } from './secrets-manager.ts';
