import type { AuditVerification } from '@enchilada/contract';
import type { AuditLog } from '@enchilada/core/audit';
import type { CertificateAuthority, CredentialVault, Secret } from '@enchilada/core/credential';
import type { EngineManifest, MachineInFile, ProtocolId } from '@enchilada/core/engine';
import type { PasswordHasher } from '@enchilada/core/identity';
import type { RecordingReader } from '@enchilada/core/recording';
import type { Store } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import type { ApiTokens } from '../auth/api-tokens.ts';
import type { Bootstrap } from '../auth/bootstrap.ts';
import type { DeviceLogins } from '../auth/device-logins.ts';
import type { Logins } from '../auth/logins.ts';
import type { Recovery } from '../auth/recovery.ts';
import type { DiscoveryService } from '../discovery/discovery-service.ts';
import type { SecondFactors } from '../auth/second-factors.ts';
import type { Courier } from '../notifications/courier.ts';
import type { AccessRequests } from '../requests/access-requests.ts';
import type { ProviderPeople } from '../providers/provider-people.ts';
import type { ProviderRegistry } from '../providers/provider-registry.ts';
import type { ProviderSignIn } from '../providers/provider-sign-in.ts';
import type { PersonalKeys } from '../credentials/personal-keys.ts';
import type { KeyRotation } from '../credentials/key-rotation.ts';
import type { SecretStores } from '../credentials/secret-stores.ts';
import type { Settlements } from '../settlement/settlements.ts';
import type { CatalogView } from './catalog-view.ts';
import type { SessionService } from './session-service.ts';
import type { SettingsService } from './settings.ts';

/** The throw-away machine for newcomers: which engine opens it and under which name the gateway knows it. */
export interface TryItMachine {
  readonly protocol: ProtocolId;
  readonly builtIn: string;
  readonly name: string;
  /** How its shells are locked in, once that was proven; for the audit log. */
  readonly confinement: () => string;
}

/** What the handlers are made from. */
export interface ApiParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly logins: Logins;
  readonly factors: SecondFactors;
  readonly deviceLogins: DeviceLogins;
  readonly tokens: ApiTokens;
  readonly personalKeys: PersonalKeys;
  readonly registry: ProviderRegistry;
  readonly providerPeople: ProviderPeople;
  readonly settlements: Settlements;
  readonly signInAt: ProviderSignIn;
  readonly bootstrap: Bootstrap;
  readonly recovery: Recovery;
  readonly hasher: PasswordHasher;
  readonly vault: CredentialVault;
  readonly authority: CertificateAuthority;
  readonly secretStores: SecretStores;
  readonly rotation: KeyRotation;
  /** `SHA256:…` of the public half. @throws Fault CREDENTIAL_UNREADABLE */
  readonly fingerprintPrivateKey: (privateKey: Secret, passphrase: Secret | undefined) => Promise<string>;
  readonly settings: SettingsService;
  readonly catalog: CatalogView;
  readonly requests: AccessRequests;
  readonly courier: Courier;
  readonly engines: ReadonlyMap<ProtocolId, EngineManifest>;
  /** For protocols that have files of their own. @throws Fault INVALID_REQUEST */
  readonly fileReaders: ReadonlyMap<ProtocolId, (text: string) => readonly MachineInFile[]>;
  readonly sessions: SessionService;
  readonly discovery: DiscoveryService;
  readonly recordings: RecordingReader;
  readonly verifyAudit: () => Promise<AuditVerification>;
  readonly tryIt: TryItMachine | undefined;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly nodeId: string;
  readonly version: string;
}
