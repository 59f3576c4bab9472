export { SamlVisitor } from './saml-visitor.ts';
