import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { egressVerdict, type EgressPolicy } from '@enchilada/core/access';

/** Why the address must not be connected to; undefined where it may. */
export function egressRefusal(address: string, egress: EgressPolicy): string | undefined {
  const verdict = egressVerdict(address, egress);
  return verdict.allowed ? undefined : `${address} is not allowed: ${verdict.reason}`;
}

/** A name leads to an address that must not be connected to. */
export class ForbiddenAddress extends Error {}

/** Of a host that is an address itself: no name is resolved for it. */
export function literalRefusal(host: string, egress: EgressPolicy): string | undefined {
  const bare = host.replaceAll(/^\[|\]$/gu, '');
  return isIP(bare) === 0 ? undefined : egressRefusal(bare, egress);
}

/** INVARIANT: every address that is connected to was judged, whatever the name resolves to at that moment. */
export function judgedLookup(egress: EgressPolicy): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const refusal = addresses?.map(({ address }) => egressRefusal(address, egress)).find((one) => one !== undefined);
      const failure = error ?? (refusal === undefined ? null : new ForbiddenAddress(refusal));
      if (failure !== null) callback(failure, [], 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
    });
  };
}
