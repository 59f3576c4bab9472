import { createSocket } from 'node:dgram';
import type { LocalizedText, ParameterField, ParameterValues } from '@enchilada/core/engine';

const GROUP: LocalizedText = { en: 'Wake-on-LAN', de: 'Wake-on-LAN' };

/** The fields of every protocol whose machines may be asleep. */
export const WAKE_FIELDS: readonly ParameterField[] = [
  {
    name: 'wakeMac',
    kind: 'text',
    group: GROUP,
    label: { en: 'Wake the machine at', de: 'Maschine wecken unter' },
    help: {
      en: 'Its MAC address. The gateway sends a magic packet before it connects. Empty: it is awake.',
      de: 'Ihre MAC-Adresse. Das Gateway sendet vor dem Verbinden ein Magic Packet. Leer: sie ist wach.',
    },
    default: '',
    maxLength: 17,
    pattern: '^(?:|[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5})$',
  },
  {
    name: 'wakeAddress',
    kind: 'text',
    group: GROUP,
    label: { en: 'Send the packet to', de: 'Paket senden an' },
    help: {
      en: 'The broadcast address of the machine’s network.',
      de: 'Die Broadcast-Adresse des Netzes der Maschine.',
    },
    default: '255.255.255.255',
    maxLength: 45,
    pattern: '^[0-9A-Fa-f:.]+$',
  },
  {
    name: 'wakePort',
    kind: 'number',
    group: GROUP,
    label: { en: 'UDP port', de: 'UDP-Port' },
    default: 9,
    minimum: 1,
    maximum: 65_535,
  },
  {
    name: 'wakeSeconds',
    kind: 'number',
    group: GROUP,
    unit: 's',
    label: { en: 'Wait for the machine', de: 'Auf die Maschine warten' },
    help: {
      en: 'How long the gateway tries to connect after it sent the packet.',
      de: 'Wie lange das Gateway nach dem Paket zu verbinden versucht.',
    },
    default: 60,
    minimum: 0,
    maximum: 600,
  },
];

export interface Wake {
  readonly mac: string;
  readonly address: string;
  readonly port: number;
  readonly waitMs: number;
}

/** What the machine's parameters say about waking it; undefined where it is awake. */
export function readWake(values: ParameterValues): Wake | undefined {
  const { wakeMac, wakeAddress, wakePort, wakeSeconds } = values;
  if (typeof wakeMac !== 'string' || wakeMac === '') return undefined;
  return {
    mac: wakeMac,
    address: typeof wakeAddress === 'string' && wakeAddress !== '' ? wakeAddress : '255.255.255.255',
    port: typeof wakePort === 'number' ? wakePort : 9,
    waitMs: 1000 * (typeof wakeSeconds === 'number' ? wakeSeconds : 60),
  };
}

/** Six bytes of ones, then the address sixteen times: AMD, "Magic Packet Technology", publication 20213. */
export function magicPacket(mac: string): Buffer {
  const address = Buffer.from(mac.replaceAll(/[:-]/gu, ''), 'hex');
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array.from({ length: 16 }, () => address)]);
}

export async function sendMagicPacket({ mac, address, port }: Wake): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject);
  socket.bind(() => {
    if (!address.includes(':')) socket.setBroadcast(true);
    socket.send(magicPacket(mac), port, address, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  try {
    await promise;
  } finally {
    socket.close();
  }
}
