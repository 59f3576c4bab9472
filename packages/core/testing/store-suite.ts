import { storeCatalogCases } from './store-catalog-cases.ts';
import { storeDiscoveryCases } from './store-discovery-cases.ts';
import { storeClusterCases } from './store-cluster-cases.ts';
import { storeFactorCases } from './store-factor-cases.ts';
import { storeHistoryCases } from './store-history-cases.ts';
import { storeKeyCases } from './store-key-cases.ts';
import { storeIdentityCases } from './store-identity-cases.ts';
import { storePolicyHistoryCases } from './store-policy-history-cases.ts';
import { storeProviderCases } from './store-provider-cases.ts';
import { storeProvisioningCases } from './store-provisioning-cases.ts';
import { storeProcessCases } from './store-process-cases.ts';
import { storeRefreshCases } from './store-refresh-cases.ts';
import { storeRequestCases } from './store-request-cases.ts';
import { storeTransactionCases } from './store-transaction-cases.ts';
import type { StoreUnderTest } from './store-fixture.ts';

/** What every Store does, run against the real database. `create` makes an empty one; it is called inside tests only. */
export function storeSuite(name: string, create: () => Promise<StoreUnderTest>): void {
  storeIdentityCases(name, create);
  storeFactorCases(name, create);
  storeKeyCases(name, create);
  storeProviderCases(name, create);
  storeRefreshCases(name, create);
  storeProvisioningCases(name, create);
  storeCatalogCases(name, create);
  storeDiscoveryCases(name, create);
  storeHistoryCases(name, create);
  storeClusterCases(name, create);
  storeRequestCases(name, create);
  storePolicyHistoryCases(name, create);
  storeTransactionCases(name, create);
  storeProcessCases(name, create);
}
