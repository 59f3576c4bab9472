// Generated from the route table by `npm run generate`; a check compares it.
import type { RouteInput, RouteOutput } from './routes.ts';
import { type ApiResponse, type CallOptions, Transport, type TransportOptions } from './transport.ts';

/** One method a route. @throws ApiProblem */
export class EnchiladaClient<R extends ApiResponse = ApiResponse> {
  readonly #transport: Transport<R>;

  constructor(options: TransportOptions<R>) {
    this.#transport = new Transport(options);
  }

  /** The banner and what the sign-in page needs. */
  getSignIn(options?: CallOptions): Promise<RouteOutput<'getSignIn'>> {
    return this.#transport.call('getSignIn', {}, options);
  }

  /** Says whether a bootstrap token can still be used. */
  checkBootstrap(input: RouteInput<'checkBootstrap'>, options?: CallOptions): Promise<RouteOutput<'checkBootstrap'>> {
    return this.#transport.call('checkBootstrap', input, options);
  }

  /** Spends the bootstrap token: makes the first administrator and signs in. */
  completeBootstrap(input: RouteInput<'completeBootstrap'>, options?: CallOptions): Promise<RouteOutput<'completeBootstrap'>> {
    return this.#transport.call('completeBootstrap', input, options);
  }

  /** Says whose recovery link this is, and until when it can be used. */
  checkRecovery(input: RouteInput<'checkRecovery'>, options?: CallOptions): Promise<RouteOutput<'checkRecovery'>> {
    return this.#transport.call('checkRecovery', input, options);
  }

  /** Spends a recovery link: sets a new password and ends all logins of the person. */
  completeRecovery(input: RouteInput<'completeRecovery'>, options?: CallOptions): Promise<RouteOutput<'completeRecovery'>> {
    return this.#transport.call('completeRecovery', input, options);
  }

  /** Signs in with user name and password; a new cookie replaces any other. */
  login(input: RouteInput<'login'>, options?: CallOptions): Promise<RouteOutput<'login'>> {
    return this.#transport.call('login', input, options);
  }

  /** Ends this login and its sessions; says where the login at an identity provider ends. */
  logout(options?: CallOptions): Promise<RouteOutput<'logout'>> {
    return this.#transport.call('logout', {}, options);
  }

  /** The person, what they may do with the product, and this login. */
  getMe(options?: CallOptions): Promise<RouteOutput<'getMe'>> {
    return this.#transport.call('getMe', {}, options);
  }

  /** Changes the own password, ends all other logins and renews this one. */
  changePassword(input: RouteInput<'changePassword'>, options?: CallOptions): Promise<RouteOutput<'changePassword'>> {
    return this.#transport.call('changePassword', input, options);
  }

  /** Replaces the own preferences: language, theme, favourites, terminal. */
  setPreferences(input: RouteInput<'setPreferences'>, options?: CallOptions): Promise<RouteOutput<'setPreferences'>> {
    return this.#transport.call('setPreferences', input, options);
  }

  /** The own logins. */
  listLogins(options?: CallOptions): Promise<RouteOutput<'listLogins'>> {
    return this.#transport.call('listLogins', {}, options);
  }

  /** Ends one of the own logins and its sessions. */
  endLogin(input: RouteInput<'endLogin'>, options?: CallOptions): Promise<RouteOutput<'endLogin'>> {
    return this.#transport.call('endLogin', input, options);
  }

  /** What a browser asks its authenticator to sign in without a password. */
  startPasskeySignIn(options?: CallOptions): Promise<RouteOutput<'startPasskeySignIn'>> {
    return this.#transport.call('startPasskeySignIn', {}, options);
  }

  /** Signs in with a passkey alone; a new cookie replaces any other. */
  loginWithPasskey(input: RouteInput<'loginWithPasskey'>, options?: CallOptions): Promise<RouteOutput<'loginWithPasskey'>> {
    return this.#transport.call('loginWithPasskey', input, options);
  }

  /** The own second factors, and what this login still lacks. */
  listFactors(options?: CallOptions): Promise<RouteOutput<'listFactors'>> {
    return this.#transport.call('listFactors', {}, options);
  }

  /** What a browser asks its authenticator to prove that the person is there. */
  startPasskeyProof(options?: CallOptions): Promise<RouteOutput<'startPasskeyProof'>> {
    return this.#transport.call('startPasskeyProof', {}, options);
  }

  /** Gives the second factor: completes the login, or renews the proof of a complete one. A new cookie replaces the old. */
  prove(input: RouteInput<'prove'>, options?: CallOptions): Promise<RouteOutput<'prove'>> {
    return this.#transport.call('prove', input, options);
  }

  /** Makes the seed of a new authenticator app. */
  startTotp(options?: CallOptions): Promise<RouteOutput<'startTotp'>> {
    return this.#transport.call('startTotp', {}, options);
  }

  /** Enrols the authenticator app by its first code. */
  confirmTotp(input: RouteInput<'confirmTotp'>, options?: CallOptions): Promise<RouteOutput<'confirmTotp'>> {
    return this.#transport.call('confirmTotp', input, options);
  }

  /** What a browser asks its authenticator to make a passkey. */
  startPasskey(options?: CallOptions): Promise<RouteOutput<'startPasskey'>> {
    return this.#transport.call('startPasskey', {}, options);
  }

  /** Enrols a passkey. */
  enrolPasskey(input: RouteInput<'enrolPasskey'>, options?: CallOptions): Promise<RouteOutput<'enrolPasskey'>> {
    return this.#transport.call('enrolPasskey', input, options);
  }

  /** Removes one of the own second factors. */
  removeFactor(input: RouteInput<'removeFactor'>, options?: CallOptions): Promise<RouteOutput<'removeFactor'>> {
    return this.#transport.call('removeFactor', input, options);
  }

  /** New recovery codes, shown once; the old ones are void. */
  renewRecoveryCodes(options?: CallOptions): Promise<RouteOutput<'renewRecoveryCodes'>> {
    return this.#transport.call('renewRecoveryCodes', {}, options);
  }

  /** Takes away a person's second factors and recovery codes, and ends their logins. */
  resetFactors(input: RouteInput<'resetFactors'>, options?: CallOptions): Promise<RouteOutput<'resetFactors'>> {
    return this.#transport.call('resetFactors', input, options);
  }

  /** Begins to sign in a program without a browser: a code for it, and one for the person to type in theirs. */
  askDeviceLogin(options?: CallOptions): Promise<RouteOutput<'askDeviceLogin'>> {
    return this.#transport.call('askDeviceLogin', {}, options);
  }

  /** Asks whether the person has approved, and then signs in, once; a new cookie replaces any other. */
  pollDeviceLogin(input: RouteInput<'pollDeviceLogin'>, options?: CallOptions): Promise<RouteOutput<'pollDeviceLogin'>> {
    return this.#transport.call('pollDeviceLogin', input, options);
  }

  /** Says who asks to be signed in under a code that the person typed. */
  checkDeviceLogin(input: RouteInput<'checkDeviceLogin'>, options?: CallOptions): Promise<RouteOutput<'checkDeviceLogin'>> {
    return this.#transport.call('checkDeviceLogin', input, options);
  }

  /** Approves or denies it; approving asks for a recent proof and signs that program in as oneself. */
  decideDeviceLogin(input: RouteInput<'decideDeviceLogin'>, options?: CallOptions): Promise<RouteOutput<'decideDeviceLogin'>> {
    return this.#transport.call('decideDeviceLogin', input, options);
  }

  /** The own API tokens. */
  listTokens(options?: CallOptions): Promise<RouteOutput<'listTokens'>> {
    return this.#transport.call('listTokens', {}, options);
  }

  /** Makes an API token, shown once; it carries no more than its owner holds. Needs a recent proof. */
  createToken(input: RouteInput<'createToken'>, options?: CallOptions): Promise<RouteOutput<'createToken'>> {
    return this.#transport.call('createToken', input, options);
  }

  /** Withdraws one of the own API tokens at once. */
  removeToken(input: RouteInput<'removeToken'>, options?: CallOptions): Promise<RouteOutput<'removeToken'>> {
    return this.#transport.call('removeToken', input, options);
  }

  /** The API tokens of an account, without their values. */
  listUserTokens(input: RouteInput<'listUserTokens'>, options?: CallOptions): Promise<RouteOutput<'listUserTokens'>> {
    return this.#transport.call('listUserTokens', input, options);
  }

  /** Makes an API token of a service account, shown once; it carries no more than the account holds, and you. Needs a recent proof. */
  createUserToken(input: RouteInput<'createUserToken'>, options?: CallOptions): Promise<RouteOutput<'createUserToken'>> {
    return this.#transport.call('createUserToken', input, options);
  }

  /** Withdraws an account's API token at once. */
  removeUserToken(input: RouteInput<'removeUserToken'>, options?: CallOptions): Promise<RouteOutput<'removeUserToken'>> {
    return this.#transport.call('removeUserToken', input, options);
  }

  /** The public halves of the own OpenSSH keys, the newest first. */
  listPersonalKeys(options?: CallOptions): Promise<RouteOutput<'listPersonalKeys'>> {
    return this.#transport.call('listPersonalKeys', {}, options);
  }

  /** Makes an OpenSSH key that the gateway uses for you; its private half is never given out. Needs a recent proof. */
  createPersonalKey(input: RouteInput<'createPersonalKey'>, options?: CallOptions): Promise<RouteOutput<'createPersonalKey'>> {
    return this.#transport.call('createPersonalKey', input, options);
  }

  /** Removes one of the own OpenSSH keys: no machine is opened with it any more. */
  removePersonalKey(input: RouteInput<'removePersonalKey'>, options?: CallOptions): Promise<RouteOutput<'removePersonalKey'>> {
    return this.#transport.call('removePersonalKey', input, options);
  }

  /** Begins to sign in at an identity provider: where the browser goes, bound to this browser. */
  startProviderSignIn(input: RouteInput<'startProviderSignIn'>, options?: CallOptions): Promise<RouteOutput<'startProviderSignIn'>> {
    return this.#transport.call('startProviderSignIn', input, options);
  }

  /** Signs in with what the identity provider answered through the browser. */
  completeProviderSignIn(input: RouteInput<'completeProviderSignIn'>, options?: CallOptions): Promise<RouteOutput<'completeProviderSignIn'>> {
    return this.#transport.call('completeProviderSignIn', input, options);
  }

  /** Signs in by what an authenticating proxy says of this request. Refused from every other address. */
  signInThroughProxy(input: RouteInput<'signInThroughProxy'>, options?: CallOptions): Promise<RouteOutput<'signInThroughProxy'>> {
    return this.#transport.call('signInThroughProxy', input, options);
  }

  /** Changes a password where the directory asks for a new one. Signs nobody in. */
  changeDirectoryPassword(input: RouteInput<'changeDirectoryPassword'>, options?: CallOptions): Promise<RouteOutput<'changeDirectoryPassword'>> {
    return this.#transport.call('changeDirectoryPassword', input, options);
  }

  /** The kinds of identity providers: labels and form fields. */
  listProviderKinds(options?: CallOptions): Promise<RouteOutput<'listProviderKinds'>> {
    return this.#transport.call('listProviderKinds', {}, options);
  }

  /** The identity providers. */
  listProviders(options?: CallOptions): Promise<RouteOutput<'listProviders'>> {
    return this.#transport.call('listProviders', {}, options);
  }

  /** Adds an identity provider. */
  createProvider(input: RouteInput<'createProvider'>, options?: CallOptions): Promise<RouteOutput<'createProvider'>> {
    return this.#transport.call('createProvider', input, options);
  }

  /** Changes an identity provider. Switching it off ends the logins that rest on it. */
  updateProvider(input: RouteInput<'updateProvider'>, options?: CallOptions): Promise<RouteOutput<'updateProvider'>> {
    return this.#transport.call('updateProvider', input, options);
  }

  /** Removes an identity provider, the memberships it gave and the logins that rest on it. Accounts stay. */
  deleteProvider(input: RouteInput<'deleteProvider'>, options?: CallOptions): Promise<RouteOutput<'deleteProvider'>> {
    return this.#transport.call('deleteProvider', input, options);
  }

  /** Whether an identity provider writes its people and groups here by SCIM 2.0, and where. */
  getProvisioning(input: RouteInput<'getProvisioning'>, options?: CallOptions): Promise<RouteOutput<'getProvisioning'>> {
    return this.#transport.call('getProvisioning', input, options);
  }

  /** Makes the token with which the provider writes; it is shown once, and the one before ends. */
  renewProvisioningToken(input: RouteInput<'renewProvisioningToken'>, options?: CallOptions): Promise<RouteOutput<'renewProvisioningToken'>> {
    return this.#transport.call('renewProvisioningToken', input, options);
  }

  /** Withdraws the token and forgets what was written with it. Accounts stay. */
  removeProvisioning(input: RouteInput<'removeProvisioning'>, options?: CallOptions): Promise<RouteOutput<'removeProvisioning'>> {
    return this.#transport.call('removeProvisioning', input, options);
  }

  /** People by name: all of them, or those that are sought, page by page. */
  listUsers(input: RouteInput<'listUsers'> = { query: {} }, options?: CallOptions): Promise<RouteOutput<'listUsers'>> {
    return this.#transport.call('listUsers', input, options);
  }

  /** Adds a person. */
  createUser(input: RouteInput<'createUser'>, options?: CallOptions): Promise<RouteOutput<'createUser'>> {
    return this.#transport.call('createUser', input, options);
  }

  /** One person. */
  getUser(input: RouteInput<'getUser'>, options?: CallOptions): Promise<RouteOutput<'getUser'>> {
    return this.#transport.call('getUser', input, options);
  }

  /** Changes a person; disabling or changing the role ends their logins. */
  updateUser(input: RouteInput<'updateUser'>, options?: CallOptions): Promise<RouteOutput<'updateUser'>> {
    return this.#transport.call('updateUser', input, options);
  }

  /** Removes a person; their recordings and audit stay. */
  deleteUser(input: RouteInput<'deleteUser'>, options?: CallOptions): Promise<RouteOutput<'deleteUser'>> {
    return this.#transport.call('deleteUser', input, options);
  }

  /** Sets a person's password and ends their logins. */
  setUserPassword(input: RouteInput<'setUserPassword'>, options?: CallOptions): Promise<RouteOutput<'setUserPassword'>> {
    return this.#transport.call('setUserPassword', input, options);
  }

  /** People or groups by name, to choose from; those whose name begins with the words first. */
  findSubjects(input: RouteInput<'findSubjects'>, options?: CallOptions): Promise<RouteOutput<'findSubjects'>> {
    return this.#transport.call('findSubjects', input, options);
  }

  /** All groups of people. */
  listGroups(options?: CallOptions): Promise<RouteOutput<'listGroups'>> {
    return this.#transport.call('listGroups', {}, options);
  }

  /** Adds a group of people. */
  createGroup(input: RouteInput<'createGroup'>, options?: CallOptions): Promise<RouteOutput<'createGroup'>> {
    return this.#transport.call('createGroup', input, options);
  }

  /** Renames a group. */
  updateGroup(input: RouteInput<'updateGroup'>, options?: CallOptions): Promise<RouteOutput<'updateGroup'>> {
    return this.#transport.call('updateGroup', input, options);
  }

  /** Removes a group and its grants. */
  deleteGroup(input: RouteInput<'deleteGroup'>, options?: CallOptions): Promise<RouteOutput<'deleteGroup'>> {
    return this.#transport.call('deleteGroup', input, options);
  }

  /** The people of a group, searched and in pages. */
  listMembers(input: RouteInput<'listMembers'>, options?: CallOptions): Promise<RouteOutput<'listMembers'>> {
    return this.#transport.call('listMembers', input, options);
  }

  /** Puts a person into a group. */
  addMember(input: RouteInput<'addMember'>, options?: CallOptions): Promise<RouteOutput<'addMember'>> {
    return this.#transport.call('addMember', input, options);
  }

  /** Takes a person out of a group. */
  removeMember(input: RouteInput<'removeMember'>, options?: CallOptions): Promise<RouteOutput<'removeMember'>> {
    return this.#transport.call('removeMember', input, options);
  }

  /** The machines the person may use, searched and in pages. */
  listMachines(input: RouteInput<'listMachines'> = { query: {} }, options?: CallOptions): Promise<RouteOutput<'listMachines'>> {
    return this.#transport.call('listMachines', input, options);
  }

  /** The machines the person opened last. */
  listRecentMachines(options?: CallOptions): Promise<RouteOutput<'listRecentMachines'>> {
    return this.#transport.call('listRecentMachines', {}, options);
  }

  /** One machine the person may use. */
  getMachine(input: RouteInput<'getMachine'>, options?: CallOptions): Promise<RouteOutput<'getMachine'>> {
    return this.#transport.call('getMachine', input, options);
  }

  /** What I may do with a machine now, from here, and what keeps me from the rest. */
  explainOwnAccess(input: RouteInput<'explainOwnAccess'>, options?: CallOptions): Promise<RouteOutput<'explainOwnAccess'>> {
    return this.#transport.call('explainOwnAccess', input, options);
  }

  /** The groups that hold machines the person may use, with counts. */
  listMachineGroups(options?: CallOptions): Promise<RouteOutput<'listMachineGroups'>> {
    return this.#transport.call('listMachineGroups', {}, options);
  }

  /** The manifests of the protocols: labels, surface, form fields. */
  listEngines(options?: CallOptions): Promise<RouteOutput<'listEngines'>> {
    return this.#transport.call('listEngines', {}, options);
  }

  /** All machines, for administration. */
  listTargets(input: RouteInput<'listTargets'> = { query: {} }, options?: CallOptions): Promise<RouteOutput<'listTargets'>> {
    return this.#transport.call('listTargets', input, options);
  }

  /** Adds a machine. */
  createTarget(input: RouteInput<'createTarget'>, options?: CallOptions): Promise<RouteOutput<'createTarget'>> {
    return this.#transport.call('createTarget', input, options);
  }

  /** Reads machines from CSV, YAML or a protocol's own file; saves all of them or none, and nothing in a preview. */
  importTargets(input: RouteInput<'importTargets'>, options?: CallOptions): Promise<RouteOutput<'importTargets'>> {
    return this.#transport.call('importTargets', input, options);
  }

  /** One machine, for administration. */
  getTarget(input: RouteInput<'getTarget'>, options?: CallOptions): Promise<RouteOutput<'getTarget'>> {
    return this.#transport.call('getTarget', input, options);
  }

  /** Replaces a machine's settings. */
  updateTarget(input: RouteInput<'updateTarget'>, options?: CallOptions): Promise<RouteOutput<'updateTarget'>> {
    return this.#transport.call('updateTarget', input, options);
  }

  /** Removes a machine and ends its sessions; recordings and audit stay. */
  deleteTarget(input: RouteInput<'deleteTarget'>, options?: CallOptions): Promise<RouteOutput<'deleteTarget'>> {
    return this.#transport.call('deleteTarget', input, options);
  }

  /** The keys by which a machine may prove its identity. */
  listHostKeys(input: RouteInput<'listHostKeys'>, options?: CallOptions): Promise<RouteOutput<'listHostKeys'>> {
    return this.#transport.call('listHostKeys', input, options);
  }

  /** Pins a host key, or a certificate. */
  pinHostKey(input: RouteInput<'pinHostKey'>, options?: CallOptions): Promise<RouteOutput<'pinHostKey'>> {
    return this.#transport.call('pinHostKey', input, options);
  }

  /** Forgets a host key, so that the policy decides anew. */
  removeHostKey(input: RouteInput<'removeHostKey'>, options?: CallOptions): Promise<RouteOutput<'removeHostKey'>> {
    return this.#transport.call('removeHostKey', input, options);
  }

  /** All groups of machines. */
  listTargetGroups(options?: CallOptions): Promise<RouteOutput<'listTargetGroups'>> {
    return this.#transport.call('listTargetGroups', {}, options);
  }

  /** Adds a group of machines. */
  createTargetGroup(input: RouteInput<'createTargetGroup'>, options?: CallOptions): Promise<RouteOutput<'createTargetGroup'>> {
    return this.#transport.call('createTargetGroup', input, options);
  }

  /** Renames or moves a group of machines. */
  updateTargetGroup(input: RouteInput<'updateTargetGroup'>, options?: CallOptions): Promise<RouteOutput<'updateTargetGroup'>> {
    return this.#transport.call('updateTargetGroup', input, options);
  }

  /** Removes a group; what it holds moves to its parent. */
  deleteTargetGroup(input: RouteInput<'deleteTargetGroup'>, options?: CallOptions): Promise<RouteOutput<'deleteTargetGroup'>> {
    return this.#transport.call('deleteTargetGroup', input, options);
  }

  /** All credentials, without their secrets. */
  listCredentials(options?: CallOptions): Promise<RouteOutput<'listCredentials'>> {
    return this.#transport.call('listCredentials', {}, options);
  }

  /** Seals and stores a credential. */
  createCredential(input: RouteInput<'createCredential'>, options?: CallOptions): Promise<RouteOutput<'createCredential'>> {
    return this.#transport.call('createCredential', input, options);
  }

  /** One credential, without its secrets. */
  getCredential(input: RouteInput<'getCredential'>, options?: CallOptions): Promise<RouteOutput<'getCredential'>> {
    return this.#transport.call('getCredential', input, options);
  }

  /** Renames a credential or replaces its secrets. */
  updateCredential(input: RouteInput<'updateCredential'>, options?: CallOptions): Promise<RouteOutput<'updateCredential'>> {
    return this.#transport.call('updateCredential', input, options);
  }

  /** Removes a credential that no machine uses. */
  deleteCredential(input: RouteInput<'deleteCredential'>, options?: CallOptions): Promise<RouteOutput<'deleteCredential'>> {
    return this.#transport.call('deleteCredential', input, options);
  }

  /** Who may do what with which machines. */
  listGrants(options?: CallOptions): Promise<RouteOutput<'listGrants'>> {
    return this.#transport.call('listGrants', {}, options);
  }

  /** Why a person may, or may not, use a machine: every grant about both, and what stands in the way; now, or at a past moment. */
  explainAccess(input: RouteInput<'explainAccess'>, options?: CallOptions): Promise<RouteOutput<'explainAccess'>> {
    return this.#transport.call('explainAccess', input, options);
  }

  /** Who can reach a machine, and by which grants; now, or who could at a past moment. */
  listTargetAccess(input: RouteInput<'listTargetAccess'>, options?: CallOptions): Promise<RouteOutput<'listTargetAccess'>> {
    return this.#transport.call('listTargetAccess', input, options);
  }

  /** Which machines a person could reach, or who could reach a machine, at a moment, and by which grants. */
  getAccessReport(input: RouteInput<'getAccessReport'> = { query: {} }, options?: CallOptions): Promise<RouteOutput<'getAccessReport'>> {
    return this.#transport.call('getAccessReport', input, options);
  }

  /** How many rows the file of it has; refused where they are more than a file may have. */
  measureAccessReport(input: RouteInput<'measureAccessReport'> = { query: {} }, options?: CallOptions): Promise<RouteOutput<'measureAccessReport'>> {
    return this.#transport.call('measureAccessReport', input, options);
  }

  /** The same, or everybody and everything, as a file (CSV or JSON) that names the moment and the audit record of this export. */
  exportAccessReport(input: RouteInput<'exportAccessReport'>, options?: CallOptions): Promise<R> {
    return this.#transport.open('exportAccessReport', input, options);
  }

  /** Gives people leave to use machines. */
  createGrant(input: RouteInput<'createGrant'>, options?: CallOptions): Promise<RouteOutput<'createGrant'>> {
    return this.#transport.call('createGrant', input, options);
  }

  /** Who would gain and who would lose what by giving or withdrawing a grant; nothing is saved. */
  previewGrant(input: RouteInput<'previewGrant'>, options?: CallOptions): Promise<RouteOutput<'previewGrant'>> {
    return this.#transport.call('previewGrant', input, options);
  }

  /** Withdraws a grant and ends the sessions that rest on it. */
  deleteGrant(input: RouteInput<'deleteGrant'>, options?: CallOptions): Promise<RouteOutput<'deleteGrant'>> {
    return this.#transport.call('deleteGrant', input, options);
  }

  /** Under which rules a machine may be asked for: who decides, how many, for how long. */
  getRequestTerms(input: RouteInput<'getRequestTerms'>, options?: CallOptions): Promise<RouteOutput<'getRequestTerms'>> {
    return this.#transport.call('getRequestTerms', input, options);
  }

  /** Requests for access: one's own, those that wait for one's decision, and what became of them. */
  listRequests(input: RouteInput<'listRequests'>, options?: CallOptions): Promise<RouteOutput<'listRequests'>> {
    return this.#transport.call('listRequests', input, options);
  }

  /** How many requests wait for my decision, and how many of mine are open. */
  countRequests(options?: CallOptions): Promise<RouteOutput<'countRequests'>> {
    return this.#transport.call('countRequests', {}, options);
  }

  /** One request for access. */
  getRequest(input: RouteInput<'getRequest'>, options?: CallOptions): Promise<RouteOutput<'getRequest'>> {
    return this.#transport.call('getRequest', input, options);
  }

  /** Asks for access to a machine, or to those with certain labels, for a time and with a reason. */
  createRequest(input: RouteInput<'createRequest'>, options?: CallOptions): Promise<RouteOutput<'createRequest'>> {
    return this.#transport.call('createRequest', input, options);
  }

  /** Approves or denies what somebody else asked for, as it was seen. A denial also takes back what was approved. */
  decideRequest(input: RouteInput<'decideRequest'>, options?: CallOptions): Promise<RouteOutput<'decideRequest'>> {
    return this.#transport.call('decideRequest', input, options);
  }

  /** Withdraws one's own request and ends what rests on it. */
  cancelRequest(input: RouteInput<'cancelRequest'>, options?: CallOptions): Promise<RouteOutput<'cancelRequest'>> {
    return this.#transport.call('cancelRequest', input, options);
  }

  /** The signing keys of the certificate authority, and how machines come to trust them. */
  getAuthority(options?: CallOptions): Promise<RouteOutput<'getAuthority'>> {
    return this.#transport.call('getAuthority', {}, options);
  }

  /** Makes a signing key: the first one signs at once, a further one waits to be activated. */
  createAuthorityKey(options?: CallOptions): Promise<RouteOutput<'createAuthorityKey'>> {
    return this.#transport.call('createAuthorityKey', {}, options);
  }

  /** Signs with the next key from now on. The one before stays trusted until it is removed. */
  activateAuthorityKey(input: RouteInput<'activateAuthorityKey'>, options?: CallOptions): Promise<RouteOutput<'activateAuthorityKey'>> {
    return this.#transport.call('activateAuthorityKey', input, options);
  }

  /** Removes a signing key that is not the current one. */
  deleteAuthorityKey(input: RouteInput<'deleteAuthorityKey'>, options?: CallOptions): Promise<RouteOutput<'deleteAuthorityKey'>> {
    return this.#transport.call('deleteAuthorityKey', input, options);
  }

  /** The kinds of secret stores: labels and form fields. */
  listSecretStoreKinds(options?: CallOptions): Promise<RouteOutput<'listSecretStoreKinds'>> {
    return this.#transport.call('listSecretStoreKinds', {}, options);
  }

  /** The secret stores outside the product that credentials refer to. */
  listSecretStores(options?: CallOptions): Promise<RouteOutput<'listSecretStores'>> {
    return this.#transport.call('listSecretStores', {}, options);
  }

  /** Adds a secret store. */
  createSecretStore(input: RouteInput<'createSecretStore'>, options?: CallOptions): Promise<RouteOutput<'createSecretStore'>> {
    return this.#transport.call('createSecretStore', input, options);
  }

  /** Changes a secret store, or what the gateway proves itself with there. */
  updateSecretStore(input: RouteInput<'updateSecretStore'>, options?: CallOptions): Promise<RouteOutput<'updateSecretStore'>> {
    return this.#transport.call('updateSecretStore', input, options);
  }

  /** Removes a secret store that no credential refers to. */
  deleteSecretStore(input: RouteInput<'deleteSecretStore'>, options?: CallOptions): Promise<RouteOutput<'deleteSecretStore'>> {
    return this.#transport.call('deleteSecretStore', input, options);
  }

  /** The key-encryption keys that this node opens, and what is sealed under which. */
  getKeyEncryption(options?: CallOptions): Promise<RouteOutput<'getKeyEncryption'>> {
    return this.#transport.call('getKeyEncryption', {}, options);
  }

  /** Seals anew under the current key, as much as fits into a request; to be asked until nothing remains. */
  rewrapKeys(options?: CallOptions): Promise<RouteOutput<'rewrapKeys'>> {
    return this.#transport.call('rewrapKeys', {}, options);
  }

  /** The kinds of endpoints for notifications: labels and form fields. */
  listNotifierKinds(options?: CallOptions): Promise<RouteOutput<'listNotifierKinds'>> {
    return this.#transport.call('listNotifierKinds', {}, options);
  }

  /** Where notifications go, and how the last delivery went. */
  listNotificationEndpoints(options?: CallOptions): Promise<RouteOutput<'listNotificationEndpoints'>> {
    return this.#transport.call('listNotificationEndpoints', {}, options);
  }

  /** Adds an endpoint for notifications. */
  createNotificationEndpoint(input: RouteInput<'createNotificationEndpoint'>, options?: CallOptions): Promise<RouteOutput<'createNotificationEndpoint'>> {
    return this.#transport.call('createNotificationEndpoint', input, options);
  }

  /** Replaces an endpoint's settings. */
  updateNotificationEndpoint(input: RouteInput<'updateNotificationEndpoint'>, options?: CallOptions): Promise<RouteOutput<'updateNotificationEndpoint'>> {
    return this.#transport.call('updateNotificationEndpoint', input, options);
  }

  /** Removes an endpoint, and what waits for it. */
  deleteNotificationEndpoint(input: RouteInput<'deleteNotificationEndpoint'>, options?: CallOptions): Promise<RouteOutput<'deleteNotificationEndpoint'>> {
    return this.#transport.call('deleteNotificationEndpoint', input, options);
  }

  /** Delivers a test message at once, and says why it cannot be delivered. */
  testNotificationEndpoint(input: RouteInput<'testNotificationEndpoint'>, options?: CallOptions): Promise<RouteOutput<'testNotificationEndpoint'>> {
    return this.#transport.call('testNotificationEndpoint', input, options);
  }

  /** The kinds of sources: labels and form fields. */
  listSourceKinds(options?: CallOptions): Promise<RouteOutput<'listSourceKinds'>> {
    return this.#transport.call('listSourceKinds', {}, options);
  }

  /** The clouds and inventories in which machines are found, with their health. */
  listSources(options?: CallOptions): Promise<RouteOutput<'listSources'>> {
    return this.#transport.call('listSources', {}, options);
  }

  /** Adds a source. */
  createSource(input: RouteInput<'createSource'>, options?: CallOptions): Promise<RouteOutput<'createSource'>> {
    return this.#transport.call('createSource', input, options);
  }

  /** Replaces a source's settings, and switches it on or off. */
  updateSource(input: RouteInput<'updateSource'>, options?: CallOptions): Promise<RouteOutput<'updateSource'>> {
    return this.#transport.call('updateSource', input, options);
  }

  /** Removes a source that is switched off. Its machines stay as if they had been added by hand; what rules granted on them ends. */
  deleteSource(input: RouteInput<'deleteSource'>, options?: CallOptions): Promise<RouteOutput<'deleteSource'>> {
    return this.#transport.call('deleteSource', input, options);
  }

  /** Accounts and regions of a source: last event, last listing, what is stale, held or denied. */
  listSourceScopes(input: RouteInput<'listSourceScopes'>, options?: CallOptions): Promise<RouteOutput<'listSourceScopes'>> {
    return this.#transport.call('listSourceScopes', input, options);
  }

  /** Templates that give the source what it needs in its cloud, and how they are deployed. */
  getOnboarding(input: RouteInput<'getOnboarding'>, options?: CallOptions): Promise<RouteOutput<'getOnboarding'>> {
    return this.#transport.call('getOnboarding', input, options);
  }

  /** Lists every scope of a source now and compares it with the catalog. */
  sweepSource(input: RouteInput<'sweepSource'>, options?: CallOptions): Promise<RouteOutput<'sweepSource'>> {
    return this.#transport.call('sweepSource', input, options);
  }

  /** Machines of an account and region whose removal waits for a person, by name. */
  listHeldRemovals(input: RouteInput<'listHeldRemovals'>, options?: CallOptions): Promise<RouteOutput<'listHeldRemovals'>> {
    return this.#transport.call('listHeldRemovals', input, options);
  }

  /** Agrees to removals that were held because they are many. */
  acceptRemovals(input: RouteInput<'acceptRemovals'>, options?: CallOptions): Promise<RouteOutput<'acceptRemovals'>> {
    return this.#transport.call('acceptRemovals', input, options);
  }

  /** Reads a source, saved or not, and says what would appear, change and go; writes nothing. Answers after some seconds, with the accounts and regions that are left to be asked for. */
  previewDiscovery(input: RouteInput<'previewDiscovery'>, options?: CallOptions): Promise<RouteOutput<'previewDiscovery'>> {
    return this.#transport.call('previewDiscovery', input, options);
  }

  /** What discovery did, newest first. */
  listDiscoveryChanges(input: RouteInput<'listDiscoveryChanges'> = { query: {} }, options?: CallOptions): Promise<RouteOutput<'listDiscoveryChanges'>> {
    return this.#transport.call('listDiscoveryChanges', input, options);
  }

  /** The rules that turn what is found into something usable, in order. */
  getRules(options?: CallOptions): Promise<RouteOutput<'getRules'>> {
    return this.#transport.call('getRules', {}, options);
  }

  /** Replaces the rules and judges every known machine again. */
  setRules(input: RouteInput<'setRules'>, options?: CallOptions): Promise<RouteOutput<'setRules'>> {
    return this.#transport.call('setRules', input, options);
  }

  /** Why a machine is in the catalog: its source, what was seen, and which rules made it so. */
  explainTarget(input: RouteInput<'explainTarget'>, options?: CallOptions): Promise<RouteOutput<'explainTarget'>> {
    return this.#transport.call('explainTarget', input, options);
  }

  /** Asks for a session with a machine and answers with the tickets of its first viewer. */
  openSession(input: RouteInput<'openSession'>, options?: CallOptions): Promise<RouteOutput<'openSession'>> {
    return this.#transport.call('openSession', input, options);
  }

  /** New tickets, to resume the own session or to watch one. */
  issueTickets(input: RouteInput<'issueTickets'>, options?: CallOptions): Promise<RouteOutput<'issueTickets'>> {
    return this.#transport.call('issueTickets', input, options);
  }

  /** The own sessions; with `scope=watchable` those of others that one may watch; with `scope=all` and the permission session.manage, everybody's. */
  listSessions(input: RouteInput<'listSessions'> = { query: {} }, options?: CallOptions): Promise<RouteOutput<'listSessions'>> {
    return this.#transport.call('listSessions', input, options);
  }

  /** One session. */
  getSession(input: RouteInput<'getSession'>, options?: CallOptions): Promise<RouteOutput<'getSession'>> {
    return this.#transport.call('getSession', input, options);
  }

  /** Who is invited to look on at the own session. */
  listInvitations(input: RouteInput<'listInvitations'>, options?: CallOptions): Promise<RouteOutput<'listInvitations'>> {
    return this.#transport.call('listInvitations', input, options);
  }

  /** Lets somebody look on at the own session for a time; needs a grant to share. */
  createInvitation(input: RouteInput<'createInvitation'>, options?: CallOptions): Promise<RouteOutput<'createInvitation'>> {
    return this.#transport.call('createInvitation', input, options);
  }

  /** Withdraws an invitation; who looks on by it is sent away. */
  deleteInvitation(input: RouteInput<'deleteInvitation'>, options?: CallOptions): Promise<RouteOutput<'deleteInvitation'>> {
    return this.#transport.call('deleteInvitation', input, options);
  }

  /** Ends the own session; with session.manage anybody's, with a reason that the person is shown. */
  endSession(input: RouteInput<'endSession'>, options?: CallOptions): Promise<RouteOutput<'endSession'>> {
    return this.#transport.call('endSession', input, options);
  }

  /** A folder of the machine; without a path the one where the account begins. */
  listFiles(input: RouteInput<'listFiles'>, options?: CallOptions): Promise<RouteOutput<'listFiles'>> {
    return this.#transport.call('listFiles', input, options);
  }

  /** Renames, deletes, makes a folder, or sets permissions. */
  changeFile(input: RouteInput<'changeFile'>, options?: CallOptions): Promise<RouteOutput<'changeFile'>> {
    return this.#transport.call('changeFile', input, options);
  }

  /** The content of a file, from an offset on. */
  downloadFile(input: RouteInput<'downloadFile'>, options?: CallOptions): Promise<R> {
    return this.#transport.open('downloadFile', input, options);
  }

  /** The next piece of a file; the last one gives it its name. */
  uploadFile(input: RouteInput<'uploadFile'>, options?: CallOptions): Promise<RouteOutput<'uploadFile'>> {
    return this.#transport.call('uploadFile', input, options);
  }

  /** How far a transfer has come, from which it can go on. */
  getTransfer(input: RouteInput<'getTransfer'>, options?: CallOptions): Promise<RouteOutput<'getTransfer'>> {
    return this.#transport.call('getTransfer', input, options);
  }

  /** Forgets a transfer and removes the part that an upload left. */
  cancelTransfer(input: RouteInput<'cancelTransfer'>, options?: CallOptions): Promise<RouteOutput<'cancelTransfer'>> {
    return this.#transport.call('cancelTransfer', input, options);
  }

  /** The recordings the person may see. */
  listRecordings(input: RouteInput<'listRecordings'> = { query: {} }, options?: CallOptions): Promise<RouteOutput<'listRecordings'>> {
    return this.#transport.call('listRecordings', input, options);
  }

  /** One recording, with the times of its chunks. */
  getRecording(input: RouteInput<'getRecording'>, options?: CallOptions): Promise<RouteOutput<'getRecording'>> {
    return this.#transport.call('getRecording', input, options);
  }

  /** Checks chain, signatures and manifest of a recording. */
  verifyRecording(input: RouteInput<'verifyRecording'>, options?: CallOptions): Promise<RouteOutput<'verifyRecording'>> {
    return this.#transport.call('verifyRecording', input, options);
  }

  /** The decoded events from a chunk on, framed as recording-stream.ts says. */
  streamRecording(input: RouteInput<'streamRecording'>, options?: CallOptions): Promise<R> {
    return this.#transport.open('streamRecording', input, options);
  }

  /** What was typed on a desktop, opened with the recording’s input key. */
  listKeyStrokes(input: RouteInput<'listKeyStrokes'>, options?: CallOptions): Promise<RouteOutput<'listKeyStrokes'>> {
    return this.#transport.call('listKeyStrokes', input, options);
  }

  /** The sealed objects as a tar archive, for `enchilada verify`. */
  downloadRecording(input: RouteInput<'downloadRecording'>, options?: CallOptions): Promise<R> {
    return this.#transport.open('downloadRecording', input, options);
  }

  /** The recording in clear: a terminal's as asciicast v2 or plain text, a desktop's as what the controlling viewers' decoder was sent, any as events framed as recording-stream.ts says. */
  exportRecording(input: RouteInput<'exportRecording'>, options?: CallOptions): Promise<R> {
    return this.#transport.open('exportRecording', input, options);
  }

  /** The audit log, filtered and in pages. */
  listAudit(input: RouteInput<'listAudit'> = { query: {} }, options?: CallOptions): Promise<RouteOutput<'listAudit'>> {
    return this.#transport.call('listAudit', input, options);
  }

  /** The filtered audit log as CSV or JSON lines, oldest first. */
  exportAudit(input: RouteInput<'exportAudit'>, options?: CallOptions): Promise<R> {
    return this.#transport.open('exportAudit', input, options);
  }

  /** Recomputes every hash chain of the audit log. */
  verifyAudit(options?: CallOptions): Promise<RouteOutput<'verifyAudit'>> {
    return this.#transport.call('verifyAudit', {}, options);
  }

  /** The settings, which of them the configuration file fixes, and every weakening in force. */
  getSettings(options?: CallOptions): Promise<RouteOutput<'getSettings'>> {
    return this.#transport.call('getSettings', {}, options);
  }

  /** Changes the settings that are named. */
  setSettings(input: RouteInput<'setSettings'>, options?: CallOptions): Promise<RouteOutput<'setSettings'>> {
    return this.#transport.call('setSettings', input, options);
  }

  /** Makes the built-in throw-away machine and a grant on it for the caller. */
  createTryIt(options?: CallOptions): Promise<RouteOutput<'createTryIt'>> {
    return this.#transport.call('createTryIt', {}, options);
  }

  /** The gateway's nodes. */
  listNodes(options?: CallOptions): Promise<RouteOutput<'listNodes'>> {
    return this.#transport.call('listNodes', {}, options);
  }
}
