export { AwsSecretsStandIn } from './aws-secrets-stand-in.ts';
export { signedBy, type SignedBy } from './signature.ts';
