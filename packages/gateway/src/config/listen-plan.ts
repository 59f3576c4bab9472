import { parseAddress, parseCidr } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { Config } from './keys.ts';

export interface ListenPlan {
  readonly addresses: readonly string[];
  /** `localhost` means both loopback addresses; the second may be missing on this machine. */
  readonly optional: readonly string[];
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
}

const LOOPBACK_V4 = parseCidr('127.0.0.0/8');

export function isLoopback(address: string): boolean {
  if (address === 'localhost' || address === '::1') return true;
  const bytes = parseAddress(address);
  return (
    bytes !== undefined && LOOPBACK_V4 !== undefined && bytes[12] === 127 && bytes[10] === 0xff && bytes[11] === 0xff
  );
}

/** What to listen on, and whether that is safe: without TLS and a public address only this machine may come in. @throws Fault CONFIGURATION_INVALID */
export function planListening(config: Config): ListenPlan {
  const cert = config['tls.cert'];
  const key = config['tls.key'];
  if ((cert === undefined) !== (key === undefined))
    throw new Fault('CONFIGURATION_INVALID', 'tls.cert and tls.key belong together, received only one of them');
  const open = config.listen.filter((address) => !isLoopback(address));
  if (open.length > 0) {
    const missing = [
      cert === undefined ? 'tls.cert and tls.key' : undefined,
      config.publicUrl === undefined ? 'publicUrl' : undefined,
    ].filter((name) => name !== undefined);
    if (missing.length > 0)
      throw new Fault(
        'CONFIGURATION_INVALID',
        `listening on ${open.join(', ')} lets other machines in, which needs ${missing.join(' and ')}`,
      );
  }
  if (config.listen.length === 0)
    throw new Fault('CONFIGURATION_INVALID', 'listen must name at least one address, received none');
  if (
    config.publicUrl?.startsWith('http:') === true &&
    !isLoopback(new URL(config.publicUrl).hostname.replaceAll(/[[\]]/gu, ''))
  ) {
    throw new Fault(
      'CONFIGURATION_INVALID',
      `publicUrl must begin with https:, received ${config.publicUrl}; browsers keep the sign-in cookie for https alone`,
    );
  }
  return {
    addresses: config.listen.map((address) => (address === 'localhost' ? '127.0.0.1' : address)),
    optional: config.listen.includes('localhost') && !config.listen.includes('::1') ? ['::1'] : [],
    tls: cert === undefined || key === undefined ? undefined : { cert, key },
  };
}
