import { PersonalKey, PersonalKeyCreate, PersonalKeys } from '../models/personal-key.ts';
import { routes } from '../route.ts';
import { IdParams, Nothing } from '../schema.ts';

export const personalKeyRoutes = routes({
  listPersonalKeys: {
    method: 'GET',
    path: '/me/keys',
    access: 'signed-in',
    summary: 'The public halves of the own OpenSSH keys, the newest first.',
    response: { 200: PersonalKeys },
  },
  createPersonalKey: {
    method: 'POST',
    path: '/me/keys',
    access: 'signed-in',
    summary:
      'Makes an OpenSSH key that the gateway uses for you; its private half is never given out. Needs a recent proof.',
    body: PersonalKeyCreate,
    response: { 201: PersonalKey },
    audit: ['personal-key.created'],
  },
  removePersonalKey: {
    method: 'DELETE',
    path: '/me/keys/:id',
    access: 'signed-in',
    summary: 'Removes one of the own OpenSSH keys: no machine is opened with it any more.',
    params: IdParams,
    response: { 204: Nothing },
    audit: ['personal-key.removed'],
  },
});
