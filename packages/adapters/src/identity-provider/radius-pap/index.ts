export { radius } from './radius-provider.ts';
