import { SecretStore, SecretStoreCreate, SecretStoreKind, SecretStoreUpdate } from '../models/secret-store.ts';
import { routes } from '../route.ts';
import { closed, IdParams, list, Nothing } from '../schema.ts';

export const secretStoreRoutes = routes({
  listSecretStoreKinds: {
    method: 'GET',
    path: '/secret-stores/kinds',
    access: 'credential.read',
    summary: 'The kinds of secret stores: labels and form fields.',
    response: { 200: closed({ items: list(SecretStoreKind, 50) }) },
  },
  listSecretStores: {
    method: 'GET',
    path: '/secret-stores',
    access: 'credential.read',
    summary: 'The secret stores outside the product that credentials refer to.',
    response: { 200: closed({ items: list(SecretStore, 1000) }) },
  },
  createSecretStore: {
    method: 'POST',
    path: '/secret-stores',
    access: 'credential.write',
    summary: 'Adds a secret store.',
    body: SecretStoreCreate,
    response: { 201: SecretStore },
    audit: ['secret-store.created'],
  },
  updateSecretStore: {
    method: 'PUT',
    path: '/secret-stores/:id',
    access: 'credential.write',
    summary: 'Changes a secret store, or what the gateway proves itself with there.',
    params: IdParams,
    body: SecretStoreUpdate,
    response: { 200: SecretStore },
    audit: ['secret-store.updated'],
  },
  deleteSecretStore: {
    method: 'DELETE',
    path: '/secret-stores/:id',
    access: 'credential.write',
    summary: 'Removes a secret store that no credential refers to.',
    params: IdParams,
    response: { 204: Nothing },
    audit: ['secret-store.deleted'],
  },
});
