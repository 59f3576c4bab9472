import { closed, Id, IdParams, list, Nothing, Version } from '../schema.ts';
import {
  BootstrapRequest, BootstrapToken, Group, GroupMembers, GroupWrite, Login, LoginParams, LoginRequest, Me, MemberParams, PasswordChange, PasswordSet,
  Preferences, SignInFacts, User, UserCreate, UserUpdate,
} from '../models/identity.ts';
import { routes } from '../route.ts';

const Users = closed({ items: list(User, 100_000) });
const Groups = closed({ items: list(Group, 100_000) });
const Logins = closed({ items: list(Login, 1000) });
const CheckToken = closed({ token: BootstrapToken });
const DeleteQuery = closed({ version: Version });
const PreferencesBody = closed({ preferences: Preferences });
const MemberBody = closed({ userId: Id });

export const signInRoutes = routes({
  getSignIn: { method: 'GET', path: '/sign-in', access: 'public', beforeBootstrap: true, summary: 'The banner and what the sign-in page needs.', response: { 200: SignInFacts } },
  checkBootstrap: { method: 'POST', path: '/bootstrap/check', access: 'bootstrap', summary: 'Says whether a bootstrap token can still be used.', body: CheckToken, response: { 204: Nothing } },
  completeBootstrap: {
    method: 'POST', path: '/bootstrap', access: 'bootstrap', summary: 'Spends the bootstrap token: makes the first administrator and signs in.',
    body: BootstrapRequest, response: { 201: Me }, audit: ['bootstrap.used', 'user.created', 'login.succeeded'],
  },
  login: { method: 'POST', path: '/login', access: 'public', summary: 'Signs in with user name and password; a new cookie replaces any other.', body: LoginRequest, response: { 200: Me }, audit: ['login.succeeded'] },
  logout: { method: 'POST', path: '/logout', access: 'signed-in', summary: 'Ends this login and its sessions.', response: { 204: Nothing }, audit: ['login.ended'] },
  getMe: { method: 'GET', path: '/me', access: 'signed-in', summary: 'The person, what they may do with the product, and this login.', response: { 200: Me } },
  changePassword: {
    method: 'PUT', path: '/me/password', access: 'signed-in', summary: 'Changes the own password, ends all other logins and renews this one.', body: PasswordChange, response: { 200: Me }, audit: ['user.password-changed'],
  },
  setPreferences: { method: 'PUT', path: '/me/preferences', access: 'signed-in', summary: 'Replaces the own preferences: language, theme, favourites, terminal.', body: PreferencesBody, response: { 200: Preferences } },
  listLogins: { method: 'GET', path: '/me/logins', access: 'signed-in', summary: 'The own logins.', response: { 200: Logins } },
  endLogin: { method: 'DELETE', path: '/me/logins/:id', access: 'signed-in', summary: 'Ends one of the own logins and its sessions.', params: LoginParams, response: { 204: Nothing }, audit: ['login.ended'] },
});

export const userRoutes = routes({
  listUsers: { method: 'GET', path: '/users', access: 'access.read', summary: 'All people.', response: { 200: Users } },
  createUser: { method: 'POST', path: '/users', access: 'access.write', summary: 'Adds a person.', body: UserCreate, response: { 201: User }, audit: ['user.created'] },
  getUser: { method: 'GET', path: '/users/:id', access: 'access.read', summary: 'One person.', params: IdParams, response: { 200: User } },
  updateUser: {
    method: 'PUT', path: '/users/:id', access: 'access.write', summary: 'Changes a person; disabling or changing the role ends their logins.', params: IdParams, body: UserUpdate, response: { 200: User },
    audit: ['user.updated', 'user.disabled'],
  },
  deleteUser: { method: 'DELETE', path: '/users/:id', access: 'access.write', summary: 'Removes a person; their recordings and audit stay.', params: IdParams, query: DeleteQuery, response: { 204: Nothing }, audit: ['user.deleted'] },
  setUserPassword: {
    method: 'PUT', path: '/users/:id/password', access: 'access.write', summary: 'Sets a person\'s password and ends their logins.', params: IdParams, body: PasswordSet, response: { 204: Nothing }, audit: ['user.password-changed'],
  },
  listGroups: { method: 'GET', path: '/groups', access: 'access.read', summary: 'All groups of people.', response: { 200: Groups } },
  createGroup: { method: 'POST', path: '/groups', access: 'access.write', summary: 'Adds a group of people.', body: GroupWrite, response: { 201: Group }, audit: ['group.created'] },
  updateGroup: { method: 'PUT', path: '/groups/:id', access: 'access.write', summary: 'Renames a group.', params: IdParams, body: GroupWrite, response: { 200: Group }, audit: ['group.updated'] },
  deleteGroup: { method: 'DELETE', path: '/groups/:id', access: 'access.write', summary: 'Removes a group and its grants.', params: IdParams, response: { 204: Nothing }, audit: ['group.deleted'] },
  listMembers: { method: 'GET', path: '/groups/:id/members', access: 'access.read', summary: 'The people of a group.', params: IdParams, response: { 200: GroupMembers } },
  addMember: { method: 'POST', path: '/groups/:id/members', access: 'access.write', summary: 'Puts a person into a group.', params: IdParams, body: MemberBody, response: { 204: Nothing }, audit: ['group.member-added'] },
  removeMember: { method: 'DELETE', path: '/groups/:id/members/:userId', access: 'access.write', summary: 'Takes a person out of a group.', params: MemberParams, response: { 204: Nothing }, audit: ['group.member-removed'] },
});
