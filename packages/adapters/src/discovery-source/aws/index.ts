export { aws } from './aws-source.ts';
