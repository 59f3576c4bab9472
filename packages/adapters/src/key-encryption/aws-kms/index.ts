export { awsKms } from './aws-kms.ts';
