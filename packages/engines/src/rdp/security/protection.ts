/** What protects the PDUs of a connection above its stream. Decoders and policy see none of it. */
export interface Protection {
  /** What the target sent, as a target under TLS would have. @throws Fault TARGET_PROTOCOL_VIOLATION, HOST_KEY_CHANGED */
  open(bytes: Uint8Array): Uint8Array;
  /** Whole PDUs for the target. @throws Fault PROTOCOL_MESSAGE_INVALID where one is too long for it */
  seal(pdus: Uint8Array): Uint8Array;
}

/** The stream's own, which is TLS. */
export const OF_THE_STREAM: Protection = { open: (bytes) => bytes, seal: (pdus) => pdus };
