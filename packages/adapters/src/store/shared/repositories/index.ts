import type { StoreTransaction } from '@enchilada/core/store';
import type { Sql } from '../sql.ts';
import { accessRequestRepository } from './access-request.ts';
import { apiTokenRepository } from './api-token.ts';
import { auditRepository } from './audit.ts';
import { authorityRepository } from './authority.ts';
import { bootstrapRepository } from './bootstrap.ts';
import { catalogRepository } from './catalog.ts';
import { challengeRepository } from './challenge.ts';
import { commandRepository } from './command.ts';
import { credentialRepository } from './credential.ts';
import { deviceLoginRepository } from './device-login.ts';
import { invitationRepository } from './invitation.ts';
import { discoveryRepository } from './discovery.ts';
import { grantRepository } from './grant.ts';
import { groupRepository } from './group.ts';
import { hostKeyRepository } from './host-key.ts';
import { loginRepository } from './login.ts';
import { nodeRepository } from './node.ts';
import { notificationRepository } from './notification.ts';
import { providerRepository } from './provider.ts';
import { policyHistoryRepository } from './policy-history.ts';
import { provisioningRepository } from './provisioning.ts';
import { personalKeyRepository } from './personal-key.ts';
import { refreshTokenRepository } from './refresh-token.ts';
import { recordingIndexRepository } from './recording-index.ts';
import { recoveryRepository } from './recovery.ts';
import { secretStoreRepository } from './secret-store.ts';
import { secondFactorRepository } from './second-factor.ts';
import { sessionRepository } from './session.ts';
import { settingRepository } from './setting.ts';
import { settlementRepository } from './settlement.ts';
import { throttleRepository } from './throttle.ts';
import { ticketRepository } from './ticket.ts';
import { userRepository } from './user.ts';
import { wrappedKeyRepository } from './wrapped-key.ts';

export function repositoriesOf(sql: Sql): StoreTransaction {
  return {
    users: userRepository(sql),
    groups: groupRepository(sql),
    logins: loginRepository(sql),
    secondFactors: secondFactorRepository(sql),
    challenges: challengeRepository(sql),
    tokens: apiTokenRepository(sql),
    providers: providerRepository(sql),
    personalKeys: personalKeyRepository(sql),
    refreshTokens: refreshTokenRepository(sql),
    provisioning: provisioningRepository(sql),
    settlements: settlementRepository(sql),
    bootstrap: bootstrapRepository(sql),
    recovery: recoveryRepository(sql),
    deviceLogins: deviceLoginRepository(sql),
    throttle: throttleRepository(sql),
    catalog: catalogRepository(sql),
    credentials: credentialRepository(sql),
    authority: authorityRepository(sql),
    secretStores: secretStoreRepository(sql),
    grants: grantRepository(sql),
    policyHistory: policyHistoryRepository(sql),
    requests: accessRequestRepository(sql),
    notifications: notificationRepository(sql),
    hostKeys: hostKeyRepository(sql),
    sessions: sessionRepository(sql),
    invitations: invitationRepository(sql),
    tickets: ticketRepository(sql),
    recordings: recordingIndexRepository(sql),
    audit: auditRepository(sql),
    nodes: nodeRepository(sql),
    commands: commandRepository(sql),
    settings: settingRepository(sql),
    discovery: discoveryRepository(sql),
    wrappedKeys: wrappedKeyRepository(sql),
  };
}
