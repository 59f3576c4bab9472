import { parseAddress, parseCidr } from '@enchilada/core/access';
import { isIPv6 } from 'node:net';

type Block = NonNullable<ReturnType<typeof parseCidr>>;

function within(address: Uint8Array, block: Block): boolean {
  for (let bit = 0; bit < block.bits; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((address[bit >> 3] ?? 0) & mask) !== ((block.bytes[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

/** `::ffff:10.0.0.1` is 10.0.0.1; a zone id is cut. */
export function plainAddress(address: string): string {
  const bare = address.split('%')[0] ?? address;
  return isIPv6(bare) && bare.toLowerCase().startsWith('::ffff:') && bare.includes('.') ? bare.slice(7) : bare;
}

/** What counts as one stranger: an IPv4 address, or the /64 of an IPv6 one, for whoever has one of those has 2^64. Any other text is itself. */
export function networkOf(address: string): string {
  const head = isIPv6(address) ? parseAddress(address)?.subarray(0, 8) : undefined;
  // Below ::/64 are the own machine and IPv4 addresses in IPv6 form.
  return head?.some((byte) => byte !== 0) === true ? `${Buffer.from(head).toString('hex')}::/64` : address;
}

/** Whether an address lies in one of the networks. */
export function addressMatcher(networks: readonly string[]): (address: string) => boolean {
  const blocks = networks.flatMap((text) => parseCidr(text) ?? []);
  return (address) => {
    const bytes = parseAddress(address);
    return bytes !== undefined && blocks.some((block) => within(bytes, block));
  };
}

export type ClientAddress = (peer: string | undefined, forwardedFor: string | readonly string[] | undefined) => string;

/** The client's address: the peer's, or behind trusted proxies the right-most hop that is none of them (T06). Other headers are never read. */
export function clientAddress(trustedProxies: readonly string[]): ClientAddress {
  const trusted = addressMatcher(trustedProxies);
  return (peer, forwardedFor) => {
    let current = plainAddress(peer ?? 'unknown');
    const hops = [forwardedFor ?? []]
      .flat()
      .join(',')
      .split(',')
      .map((hop) => plainAddress(hop.trim().replace(/^\[(.*)\](?::\d+)?$/u, '$1')));
    while (trusted(current)) {
      const hop = hops.pop();
      // What a trusted proxy wrote and we cannot read is not skipped: the proxy itself is then the client.
      if (hop === undefined || parseAddress(hop) === undefined) break;
      current = hop;
    }
    return current;
  };
}
