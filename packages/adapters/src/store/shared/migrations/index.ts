import type { Migration } from '../migration.ts';
import { identity } from './0001-identity.ts';
import { catalog } from './0002-catalog.ts';
import { session } from './0003-session.ts';
import { audit } from './0004-audit.ts';
import { cluster } from './0005-cluster.ts';
import { links } from './0006-links.ts';
import { secondFactor } from './0011-second-factor.ts';
import { apiToken } from './0012-api-token.ts';
import { discovery } from './0020-discovery.ts';
import { withoutBootstrap } from './0021-without-bootstrap.ts';
import { identityProvider } from './0022-identity-provider.ts';
import { grantConditions } from './0023-grant-conditions.ts';
import { serviceAccount } from './0024-service-account.ts';
import { provisioning } from './0025-provisioning.ts';
import { formAnswer } from './0026-form-answer.ts';
import { credentialSource } from './0027-credential-source.ts';
import { sessionSeat } from './0028-session-seat.ts';
import { accessRequest } from './0029-access-request.ts';
import { judgedBy } from './0030-judged-by.ts';
import { nodeKeys } from './0031-node-keys.ts';
import { filesTarget } from './0033-files-target.ts';
import { settlement } from './0034-settlement.ts';
import { deviceLogin } from './0035-device-login.ts';
import { policyHistory } from './0036-policy-history.ts';
import { sessionViewOnly } from './0037-session-view-only.ts';
import { scopeHealth } from './0038-scope-health.ts';
import { sessionRecordExempt } from './0039-session-record-exempt.ts';
import { sessionInvitation } from './0040-session-invitation.ts';
import { signInEnd } from './0041-sign-in-end.ts';
import { refreshToken } from './0042-refresh-token.ts';
import { personalKey } from './0043-personal-key.ts';
import { furtherEntry } from './0044-further-entry.ts';

/** In order, for ever: a released migration is never edited, a new one is added. */
export const MIGRATIONS: readonly Migration[] = [
  identity,
  catalog,
  session,
  audit,
  cluster,
  links,
  secondFactor,
  apiToken,
  discovery,
  withoutBootstrap,
  identityProvider,
  grantConditions,
  serviceAccount,
  provisioning,
  formAnswer,
  credentialSource,
  sessionSeat,
  accessRequest,
  judgedBy,
  nodeKeys,
  filesTarget,
  settlement,
  deviceLogin,
  policyHistory,
  sessionViewOnly,
  scopeHealth,
  sessionRecordExempt,
  sessionInvitation,
  signInEnd,
  refreshToken,
  personalKey,
  furtherEntry,
];
