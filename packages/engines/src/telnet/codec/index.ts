export { TelnetDecoder } from './telnet-decoder.ts';
export type { TelnetEvent } from './telnet-decoder.ts';
export { Negotiation } from './negotiation.ts';
export type { Negotiated } from './negotiation.ts';
export {
  encodeEnvironment,
  encodeInput,
  encodeNegotiation,
  encodeTerminalType,
  encodeWindowSize,
  readEnvironmentRequest,
} from './encode.ts';
export { OPTION, SEND } from './protocol.ts';
