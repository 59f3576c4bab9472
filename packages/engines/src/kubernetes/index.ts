export { createKubernetes } from './kubernetes-engine.ts';
