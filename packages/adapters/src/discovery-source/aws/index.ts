export { aws, externalIdOf } from './aws-source.ts';
