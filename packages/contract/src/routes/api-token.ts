import { ApiTokenCreate, ApiTokenCreated, ApiTokens, UserTokenParams } from '../models/api-token.ts';
import { routes } from '../route.ts';
import { IdParams, Nothing } from '../schema.ts';

export const tokenRoutes = routes({
  listTokens: {
    method: 'GET',
    path: '/me/tokens',
    access: 'signed-in',
    summary: 'The own API tokens.',
    response: { 200: ApiTokens },
  },
  createToken: {
    method: 'POST',
    path: '/me/tokens',
    access: 'signed-in',
    summary: 'Makes an API token, shown once; it carries no more than its owner holds. Needs a recent proof.',
    body: ApiTokenCreate,
    response: { 201: ApiTokenCreated },
    audit: ['token.created'],
  },
  removeToken: {
    method: 'DELETE',
    path: '/me/tokens/:id',
    access: 'signed-in',
    summary: 'Withdraws one of the own API tokens at once.',
    params: IdParams,
    response: { 204: Nothing },
    audit: ['token.removed'],
  },
  listUserTokens: {
    method: 'GET',
    path: '/users/:id/tokens',
    access: 'access.read',
    summary: 'The API tokens of an account, without their values.',
    params: IdParams,
    response: { 200: ApiTokens },
  },
  createUserToken: {
    method: 'POST',
    path: '/users/:id/tokens',
    access: 'access.write',
    summary:
      'Makes an API token of a service account, shown once; it carries no more than the account holds, and you. Needs a recent proof.',
    params: IdParams,
    body: ApiTokenCreate,
    response: { 201: ApiTokenCreated },
    audit: ['token.created'],
  },
  removeUserToken: {
    method: 'DELETE',
    path: '/users/:id/tokens/:tokenId',
    access: 'access.write',
    summary: "Withdraws an account's API token at once.",
    params: UserTokenParams,
    response: { 204: Nothing },
    audit: ['token.removed'],
  },
});
