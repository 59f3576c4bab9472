import type { NamedPerson } from '../credential/index.ts';
import type { VerifiedIdentity } from '../identity/index.ts';
import type { Store } from '../store/index.ts';

/**
 * What user names may be made of. INVARIANT: address and attributes are what the provider of this very login says; another one, at which the person might
 * call themselves what they like, adds nothing.
 */
export async function namedPerson(
  { user, login }: VerifiedIdentity,
  store: Store,
): Promise<NamedPerson & { readonly id: string }> {
  const { id, username } = user;
  const provided = await store.now.providers.findLogin(login.digest);
  if (provided === undefined) return { id, username };
  const { email, attributes } = (await store.now.providers.findIdentity(provided.providerId, provided.subject)) ?? {};
  return { id, username, email, attributes };
}
