import type { RouteId, RouteInput, RouteOutput, Routes } from '@enchilada/contract';
import { addressOf, call, send, type ApiRequest } from './http.ts';

/**
 * Method and path of each route, held to the contract by its types. The contract's own client would bring every schema
 * into the first script; a browser needs none of them.
 */
const ENDPOINTS = {
  getSignIn: ['GET', '/sign-in'],
  checkBootstrap: ['POST', '/bootstrap/check'],
  completeBootstrap: ['POST', '/bootstrap'],
  checkRecovery: ['POST', '/recovery/check'],
  completeRecovery: ['POST', '/recovery'],
  login: ['POST', '/login'],
  logout: ['POST', '/logout'],
  getMe: ['GET', '/me'],
  changePassword: ['PUT', '/me/password'],
  setPreferences: ['PUT', '/me/preferences'],
  listLogins: ['GET', '/me/logins'],
  endLogin: ['DELETE', '/me/logins/:id'],
  startPasskeySignIn: ['POST', '/login/passkey/options'],
  loginWithPasskey: ['POST', '/login/passkey'],
  listFactors: ['GET', '/me/factors'],
  startPasskeyProof: ['POST', '/me/proof/options'],
  prove: ['POST', '/me/proof'],
  startTotp: ['POST', '/me/factors/totp'],
  confirmTotp: ['POST', '/me/factors/:id/confirm'],
  startPasskey: ['POST', '/me/factors/passkey/options'],
  enrolPasskey: ['POST', '/me/factors/passkey'],
  removeFactor: ['DELETE', '/me/factors/:id'],
  renewRecoveryCodes: ['POST', '/me/recovery-codes'],
  askDeviceLogin: ['POST', '/device-logins'],
  pollDeviceLogin: ['POST', '/device-logins/poll'],
  checkDeviceLogin: ['POST', '/device-logins/check'],
  decideDeviceLogin: ['POST', '/device-logins/decision'],
  listTokens: ['GET', '/me/tokens'],
  createToken: ['POST', '/me/tokens'],
  removeToken: ['DELETE', '/me/tokens/:id'],
  listPersonalKeys: ['GET', '/me/keys'],
  createPersonalKey: ['POST', '/me/keys'],
  removePersonalKey: ['DELETE', '/me/keys/:id'],
  listUserTokens: ['GET', '/users/:id/tokens'],
  createUserToken: ['POST', '/users/:id/tokens'],
  removeUserToken: ['DELETE', '/users/:id/tokens/:tokenId'],
  startProviderSignIn: ['POST', '/login/providers/:id/start'],
  completeProviderSignIn: ['POST', '/login/providers/:id/complete'],
  signInThroughProxy: ['POST', '/login/providers/:id/proxy'],
  changeDirectoryPassword: ['PUT', '/login/providers/:id/password'],
  listProviderKinds: ['GET', '/providers/kinds'],
  listProviders: ['GET', '/providers'],
  createProvider: ['POST', '/providers'],
  updateProvider: ['PUT', '/providers/:id'],
  deleteProvider: ['DELETE', '/providers/:id'],
  getProvisioning: ['GET', '/providers/:id/provisioning'],
  renewProvisioningToken: ['POST', '/providers/:id/provisioning/token'],
  removeProvisioning: ['DELETE', '/providers/:id/provisioning'],
  resetFactors: ['DELETE', '/users/:id/factors'],
  listUsers: ['GET', '/users'],
  createUser: ['POST', '/users'],
  getUser: ['GET', '/users/:id'],
  updateUser: ['PUT', '/users/:id'],
  deleteUser: ['DELETE', '/users/:id'],
  setUserPassword: ['PUT', '/users/:id/password'],
  findSubjects: ['GET', '/subjects'],
  listGroups: ['GET', '/groups'],
  createGroup: ['POST', '/groups'],
  updateGroup: ['PUT', '/groups/:id'],
  deleteGroup: ['DELETE', '/groups/:id'],
  listMembers: ['GET', '/groups/:id/members'],
  addMember: ['POST', '/groups/:id/members'],
  removeMember: ['DELETE', '/groups/:id/members/:userId'],
  listMachines: ['GET', '/machines'],
  listRecentMachines: ['GET', '/machines/recent'],
  getMachine: ['GET', '/machines/:id'],
  listMachineGroups: ['GET', '/machine-groups'],
  listEngines: ['GET', '/engines'],
  listTargets: ['GET', '/targets'],
  createTarget: ['POST', '/targets'],
  importTargets: ['POST', '/targets/import'],
  getTarget: ['GET', '/targets/:id'],
  updateTarget: ['PUT', '/targets/:id'],
  deleteTarget: ['DELETE', '/targets/:id'],
  listHostKeys: ['GET', '/targets/:id/host-keys'],
  pinHostKey: ['POST', '/targets/:id/host-keys'],
  removeHostKey: ['DELETE', '/targets/:id/host-keys/:fingerprint'],
  listTargetGroups: ['GET', '/target-groups'],
  createTargetGroup: ['POST', '/target-groups'],
  updateTargetGroup: ['PUT', '/target-groups/:id'],
  deleteTargetGroup: ['DELETE', '/target-groups/:id'],
  listCredentials: ['GET', '/credentials'],
  createCredential: ['POST', '/credentials'],
  getCredential: ['GET', '/credentials/:id'],
  updateCredential: ['PUT', '/credentials/:id'],
  deleteCredential: ['DELETE', '/credentials/:id'],
  listSecretStoreKinds: ['GET', '/secret-stores/kinds'],
  listSecretStores: ['GET', '/secret-stores'],
  createSecretStore: ['POST', '/secret-stores'],
  updateSecretStore: ['PUT', '/secret-stores/:id'],
  deleteSecretStore: ['DELETE', '/secret-stores/:id'],
  getKeyEncryption: ['GET', '/key-encryption'],
  rewrapKeys: ['POST', '/key-encryption/rewrap'],
  getAuthority: ['GET', '/certificate-authority'],
  createAuthorityKey: ['POST', '/certificate-authority/keys'],
  activateAuthorityKey: ['POST', '/certificate-authority/keys/:id/activate'],
  deleteAuthorityKey: ['DELETE', '/certificate-authority/keys/:id'],
  listGrants: ['GET', '/grants'],
  explainAccess: ['GET', '/access/explanation'],
  listTargetAccess: ['GET', '/targets/:id/access'],
  getAccessReport: ['GET', '/access/report'],
  measureAccessReport: ['GET', '/access/report/size'],
  exportAccessReport: ['GET', '/access/report/export'],
  explainOwnAccess: ['GET', '/machines/:id/access'],
  createGrant: ['POST', '/grants'],
  deleteGrant: ['DELETE', '/grants/:id'],
  previewGrant: ['POST', '/grants/effect'],
  listNotifierKinds: ['GET', '/notifications/kinds'],
  listNotificationEndpoints: ['GET', '/notifications'],
  createNotificationEndpoint: ['POST', '/notifications'],
  updateNotificationEndpoint: ['PUT', '/notifications/:id'],
  deleteNotificationEndpoint: ['DELETE', '/notifications/:id'],
  testNotificationEndpoint: ['POST', '/notifications/:id/test'],
  getRequestTerms: ['GET', '/machines/:id/request-terms'],
  listRequests: ['GET', '/requests'],
  countRequests: ['GET', '/request-counts'],
  getRequest: ['GET', '/requests/:id'],
  createRequest: ['POST', '/requests'],
  decideRequest: ['POST', '/requests/:id/decision'],
  cancelRequest: ['POST', '/requests/:id/cancellation'],
  openSession: ['POST', '/sessions'],
  issueTickets: ['POST', '/sessions/:id/tickets'],
  listSessions: ['GET', '/sessions'],
  getSession: ['GET', '/sessions/:id'],
  listInvitations: ['GET', '/sessions/:id/invitations'],
  createInvitation: ['POST', '/sessions/:id/invitations'],
  deleteInvitation: ['DELETE', '/sessions/:id/invitations/:invitation'],
  endSession: ['POST', '/sessions/:id/end'],
  listFiles: ['GET', '/sessions/:id/files'],
  changeFile: ['POST', '/sessions/:id/files/changes'],
  downloadFile: ['GET', '/sessions/:id/files/content'],
  uploadFile: ['PUT', '/sessions/:id/files/content'],
  getTransfer: ['GET', '/sessions/:id/files/transfers/:transfer'],
  cancelTransfer: ['DELETE', '/sessions/:id/files/transfers/:transfer'],
  listRecordings: ['GET', '/recordings'],
  getRecording: ['GET', '/recordings/:id'],
  verifyRecording: ['POST', '/recordings/:id/verify'],
  streamRecording: ['GET', '/recordings/:id/events'],
  listKeyStrokes: ['GET', '/recordings/:id/keys'],
  downloadRecording: ['GET', '/recordings/:id/download'],
  exportRecording: ['GET', '/recordings/:id/export'],
  listAudit: ['GET', '/audit'],
  exportAudit: ['GET', '/audit/export'],
  verifyAudit: ['POST', '/audit/verify'],
  getSettings: ['GET', '/settings'],
  setSettings: ['PUT', '/settings'],
  listSourceKinds: ['GET', '/discovery/kinds'],
  listSources: ['GET', '/discovery/sources'],
  createSource: ['POST', '/discovery/sources'],
  updateSource: ['PUT', '/discovery/sources/:id'],
  deleteSource: ['DELETE', '/discovery/sources/:id'],
  listSourceScopes: ['GET', '/discovery/sources/:id/scopes'],
  sweepSource: ['POST', '/discovery/sources/:id/sweep'],
  listHeldRemovals: ['GET', '/discovery/sources/:id/held'],
  acceptRemovals: ['POST', '/discovery/sources/:id/accept'],
  previewDiscovery: ['POST', '/discovery/preview'],
  listDiscoveryChanges: ['GET', '/discovery/changes'],
  getOnboarding: ['GET', '/discovery/sources/:id/onboarding'],
  getRules: ['GET', '/discovery/rules'],
  setRules: ['PUT', '/discovery/rules'],
  explainTarget: ['GET', '/targets/:id/discovery'],
  createTryIt: ['POST', '/try-it'],
  listNodes: ['GET', '/nodes'],
} as const satisfies { readonly [K in RouteId]: readonly [Routes[K]['method'], Routes[K]['path']] };

export type CallOptions = Pick<ApiRequest, 'signal' | 'background'>;

interface Input {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: ApiRequest['query'];
  readonly body?: unknown;
}

function requestOf(id: RouteId, input: Input, options: CallOptions = {}): ApiRequest {
  const [method, template] = ENDPOINTS[id];
  const path = template.replace(/:(\w+)/gu, (_whole, name: string) => encodeURIComponent(input.params?.[name] ?? ''));
  return { method, path, query: input.query, body: input.body, ...options };
}

type Args<K extends RouteId> =
  unknown extends RouteInput<K>
    ? [input?: Record<string, never>, options?: CallOptions]
    : [input: RouteInput<K>, options?: CallOptions];

/** Calls a route by its id. @throws ApiFault */
export function api<K extends RouteId>(id: K, ...[input, options]: Args<K>): Promise<RouteOutput<K>> {
  return call<RouteOutput<K>>(requestOf(id, input ?? {}, options));
}

/** The answer as bytes, for routes that stream. */
export function stream<K extends RouteId>(id: K, ...[input, options]: Args<K>): Promise<Response> {
  return send(requestOf(id, input ?? {}, options));
}

/** Where the browser downloads a GET route by itself. */
export function hrefOf<K extends RouteId>(id: K, ...[input]: Args<K>): string {
  const request = requestOf(id, input ?? {});
  return addressOf(request.path, request.query);
}
