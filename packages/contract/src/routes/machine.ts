import { closed, IdParams, list, Nothing, Version } from '../schema.ts';
import {
  Credential, CredentialCreate, CredentialUpdate, Engine, Grant, GrantCreate, HostKey, HostKeyParams, HostKeyPin, ImportResult, Machine, MachineGroup,
  MachinePage, MachineQuery, RecentMachines, Target, TargetCreate, TargetGroup, TargetGroupWrite, TargetImport, TargetPage, TargetQuery, TargetUpdate,
} from '../models/machine.ts';
import { routes } from '../route.ts';

const Engines = closed({ items: list(Engine, 50) });
const MachineGroups = closed({ items: list(MachineGroup, 100_000) });
const TargetGroups = closed({ items: list(TargetGroup, 100_000) });
const Credentials = closed({ items: list(Credential, 100_000) });
const HostKeys = closed({ items: list(HostKey, 100) });
const Grants = closed({ items: list(Grant, 100_000) });
const DeleteQuery = closed({ version: Version });

export const machineRoutes = routes({
  listMachines: { method: 'GET', path: '/machines', access: 'machine.use', summary: 'The machines the person may use, searched and in pages.', query: MachineQuery, response: { 200: MachinePage } },
  listRecentMachines: { method: 'GET', path: '/machines/recent', access: 'machine.use', summary: 'The machines the person opened last.', response: { 200: RecentMachines } },
  getMachine: { method: 'GET', path: '/machines/:id', access: 'machine.use', summary: 'One machine the person may use.', params: IdParams, response: { 200: Machine } },
  listMachineGroups: { method: 'GET', path: '/machine-groups', access: 'machine.use', summary: 'The groups that hold machines the person may use, with counts.', response: { 200: MachineGroups } },
  listEngines: { method: 'GET', path: '/engines', access: 'signed-in', summary: 'The manifests of the protocols: labels, surface, form fields.', response: { 200: Engines } },
});

export const catalogRoutes = routes({
  listTargets: { method: 'GET', path: '/targets', access: 'catalog.read', summary: 'All machines, for administration.', query: TargetQuery, response: { 200: TargetPage } },
  createTarget: { method: 'POST', path: '/targets', access: 'catalog.write', summary: 'Adds a machine.', body: TargetCreate, response: { 201: Target }, audit: ['target.created'] },
  importTargets: {
    method: 'POST', path: '/targets/import', access: 'catalog.write', summary: 'Reads machines from CSV or YAML; saves all of them or none, and nothing in a preview.',
    body: TargetImport, bodyLimitBytes: 10 * 1024 * 1024, response: { 200: ImportResult }, audit: ['target.imported'],
  },
  getTarget: { method: 'GET', path: '/targets/:id', access: 'catalog.read', summary: 'One machine, for administration.', params: IdParams, response: { 200: Target } },
  updateTarget: { method: 'PUT', path: '/targets/:id', access: 'catalog.write', summary: 'Replaces a machine\'s settings.', params: IdParams, body: TargetUpdate, response: { 200: Target }, audit: ['target.updated'] },
  deleteTarget: { method: 'DELETE', path: '/targets/:id', access: 'catalog.write', summary: 'Removes a machine and ends its sessions; recordings and audit stay.', params: IdParams, query: DeleteQuery, response: { 204: Nothing }, audit: ['target.deleted'] },
  listHostKeys: { method: 'GET', path: '/targets/:id/host-keys', access: 'catalog.read', summary: 'The keys by which a machine may prove its identity.', params: IdParams, response: { 200: HostKeys } },
  pinHostKey: { method: 'POST', path: '/targets/:id/host-keys', access: 'catalog.write', summary: 'Pins a host key.', params: IdParams, body: HostKeyPin, response: { 201: HostKey }, audit: ['host-key.pinned'] },
  removeHostKey: {
    method: 'DELETE', path: '/targets/:id/host-keys/:fingerprint', access: 'catalog.write', summary: 'Forgets a host key, so that the policy decides anew.', params: HostKeyParams, response: { 204: Nothing }, audit: ['host-key.removed'],
  },
  listTargetGroups: { method: 'GET', path: '/target-groups', access: 'catalog.read', summary: 'All groups of machines.', response: { 200: TargetGroups } },
  createTargetGroup: { method: 'POST', path: '/target-groups', access: 'catalog.write', summary: 'Adds a group of machines.', body: TargetGroupWrite, response: { 201: TargetGroup }, audit: ['target-group.created'] },
  updateTargetGroup: { method: 'PUT', path: '/target-groups/:id', access: 'catalog.write', summary: 'Renames or moves a group of machines.', params: IdParams, body: TargetGroupWrite, response: { 200: TargetGroup }, audit: ['target-group.updated'] },
  deleteTargetGroup: { method: 'DELETE', path: '/target-groups/:id', access: 'catalog.write', summary: 'Removes a group; what it holds moves to its parent.', params: IdParams, response: { 204: Nothing }, audit: ['target-group.deleted'] },
  listCredentials: { method: 'GET', path: '/credentials', access: 'credential.read', summary: 'All credentials, without their secrets.', response: { 200: Credentials } },
  createCredential: { method: 'POST', path: '/credentials', access: 'credential.write', summary: 'Seals and stores a credential.', body: CredentialCreate, bodyLimitBytes: 128 * 1024, response: { 201: Credential }, audit: ['credential.created'] },
  getCredential: { method: 'GET', path: '/credentials/:id', access: 'credential.read', summary: 'One credential, without its secrets.', params: IdParams, response: { 200: Credential } },
  updateCredential: {
    method: 'PUT', path: '/credentials/:id', access: 'credential.write', summary: 'Renames a credential or replaces its secrets.', params: IdParams, body: CredentialUpdate, bodyLimitBytes: 128 * 1024, response: { 200: Credential },
    audit: ['credential.updated'],
  },
  deleteCredential: { method: 'DELETE', path: '/credentials/:id', access: 'credential.write', summary: 'Removes a credential that no machine uses.', params: IdParams, response: { 204: Nothing }, audit: ['credential.deleted'] },
  listGrants: { method: 'GET', path: '/grants', access: 'access.read', summary: 'Who may do what with which machines.', response: { 200: Grants } },
  createGrant: { method: 'POST', path: '/grants', access: 'access.write', summary: 'Gives people leave to use machines.', body: GrantCreate, response: { 201: Grant }, audit: ['grant.created'] },
  deleteGrant: { method: 'DELETE', path: '/grants/:id', access: 'access.write', summary: 'Withdraws a grant and ends the sessions that rest on it.', params: IdParams, response: { 204: Nothing }, audit: ['grant.deleted'] },
});
