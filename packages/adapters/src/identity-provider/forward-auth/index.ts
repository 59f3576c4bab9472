export { forwardAuth } from './forward-auth-provider.ts';
