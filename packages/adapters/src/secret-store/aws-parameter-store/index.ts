export { awsParameterStore } from './parameter-store.ts';
