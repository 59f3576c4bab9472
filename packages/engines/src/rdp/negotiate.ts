import type { Greeting, PeerReader } from '../shared/index.ts';
import { violation } from './codec/bytes.ts';
import {
  connectionRequest,
  parseConnectionConfirm,
  preconnection,
  type Negotiated,
  type Refusal,
} from './codec/x224.ts';
import type { MachineRequest } from './machine.ts';

const MOST_CONFIRM_BYTES = 512;

/** Asks for one of these security protocols. [MS-RDPBCGR] 1.3.1.1. @throws Fault TARGET_* */
export async function negotiate(
  { stream, reader }: Greeting,
  protocols: number,
  { loadBalanceInfo, preconnectionId, preconnectionBlob }: MachineRequest['parameters'],
): Promise<Negotiated | Refusal> {
  if (preconnectionId !== 0 || preconnectionBlob !== '')
    stream.write(preconnection(preconnectionId, preconnectionBlob));
  stream.write(connectionRequest(protocols, loadBalanceInfo));
  return parseConnectionConfirm(await readTpkt(reader, MOST_CONFIRM_BYTES));
}

/** RFC 1006 section 6. @throws Fault TARGET_* */
export async function readTpkt(reader: PeerReader, mostBytes: number): Promise<Uint8Array> {
  const head = await reader.read(4);
  const length = head.readUInt16BE(2);
  if (head[0] !== 3 || length < 11 || length > mostBytes) throw violation('its first answer is no TPKT');
  return Buffer.concat([head, await reader.read(length - 4)]);
}
