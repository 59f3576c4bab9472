import { Authority } from '../models/authority.ts';
import { routes } from '../route.ts';
import { IdParams } from '../schema.ts';

export const authorityRoutes = routes({
  getAuthority: {
    method: 'GET',
    path: '/certificate-authority',
    access: 'credential.read',
    summary: 'The signing keys of the certificate authority, and how machines come to trust them.',
    response: { 200: Authority },
  },
  createAuthorityKey: {
    method: 'POST',
    path: '/certificate-authority/keys',
    access: 'credential.write',
    summary: 'Makes a signing key: the first one signs at once, a further one waits to be activated.',
    response: { 201: Authority },
    audit: ['authority-key.created'],
  },
  activateAuthorityKey: {
    method: 'POST',
    path: '/certificate-authority/keys/:id/activate',
    access: 'credential.write',
    summary: 'Signs with the next key from now on. The one before stays trusted until it is removed.',
    params: IdParams,
    response: { 200: Authority },
    audit: ['authority-key.activated'],
  },
  deleteAuthorityKey: {
    method: 'DELETE',
    path: '/certificate-authority/keys/:id',
    access: 'credential.write',
    summary: 'Removes a signing key that is not the current one.',
    params: IdParams,
    response: { 200: Authority },
    audit: ['authority-key.deleted'],
  },
});
