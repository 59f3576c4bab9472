import type { Handlers } from '../http/context.ts';
import { accessHandlers } from './access-handlers.ts';
import { accessReportHandlers } from './access-report-handlers.ts';
import type { ApiParts } from './api-parts.ts';
import { authorityHandlers } from './authority-handlers.ts';
import { credentialHandlers } from './credential-handlers.ts';
import { deviceLoginHandlers } from './device-login-handlers.ts';
import { discoveryHandlers } from './discovery-handlers.ts';
import { effectHandlers } from './effect-handlers.ts';
import { explainHandlers } from './explain-handlers.ts';
import { fileHandlers } from './file-handlers.ts';
import { factorHandlers } from './factor-handlers.ts';
import { identityHandlers } from './identity-handlers.ts';
import { machineHandlers } from './machine-handlers.ts';
import { providerHandlers } from './provider-handlers.ts';
import { provisioningHandlers } from './provisioning-handlers.ts';
import { recordingHandlers } from './recording-handlers.ts';
import { notificationHandlers } from './notification-handlers.ts';
import { requestHandlers } from './request-handlers.ts';
import { keyEncryptionHandlers } from './key-encryption-handlers.ts';
import { secretStoreHandlers } from './secret-store-handlers.ts';
import { sessionHandlers } from './session-handlers.ts';
import { systemHandlers } from './system-handlers.ts';
import { targetHandlers } from './target-handlers.ts';
import { personalKeyHandlers } from './personal-key-handlers.ts';
import { tokenHandlers } from './token-handlers.ts';
import { subjectHandlers } from './subject-handlers.ts';
import { userHandlers } from './user-handlers.ts';

export type { ApiParts } from './api-parts.ts';
export { CatalogView } from './catalog-view.ts';
export type { SessionService } from './session-service.ts';
export { SettingsService } from './settings.ts';

/** A handler for every route of the table; a missing one does not compile. */
export function createHandlers(parts: ApiParts): Handlers {
  return {
    ...identityHandlers(parts),
    ...factorHandlers(parts),
    ...deviceLoginHandlers(parts),
    ...tokenHandlers(parts),
    ...personalKeyHandlers(parts),
    ...providerHandlers(parts),
    ...provisioningHandlers(parts),
    ...userHandlers(parts),
    ...subjectHandlers(parts),
    ...machineHandlers(parts),
    ...targetHandlers(parts),
    ...accessHandlers(parts),
    ...credentialHandlers(parts),
    ...authorityHandlers(parts),
    ...secretStoreHandlers(parts),
    ...keyEncryptionHandlers(parts),
    ...explainHandlers(parts),
    ...accessReportHandlers(parts),
    ...effectHandlers(parts),
    ...requestHandlers(parts),
    ...notificationHandlers(parts),
    ...discoveryHandlers(parts),
    ...sessionHandlers(parts),
    ...fileHandlers(parts),
    ...recordingHandlers(parts),
    ...systemHandlers(parts),
  };
}
