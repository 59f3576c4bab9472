export { azure } from './azure-source.ts';
