/** What a mechanism says next, and whether both sides have proved what they had to. */
export interface ContextStep {
  /** Undefined where it is established by what the target said, and the target waits for nothing. */
  readonly token: Uint8Array | undefined;
  readonly isEstablished: boolean;
}

/**
 * A mechanism on its way to prove an account to one target, and what it protects messages with once it has: the initiator's half of
 * GSS-API (RFC 2743 sections 2.2.1, 2.3.3 and 2.3.4), as far as CredSSP needs it. NTLM is the one there is; Kerberos would be another file.
 *
 * Whether tokens go bare or in SPNEGO (RFC 4178), with which identifiers of mechanisms and which MIC over their list, is the mechanism's
 * own affair: [MS-CSSP] 3.1.5 sends what it is given.
 */
export interface SecurityContext {
  /** For the session's details. */
  readonly mechanism: string;
  /** GSS_Init_sec_context, with nothing at first and then with what the target answered. @throws Fault TARGET_PROTOCOL_VIOLATION */
  step(answer: Uint8Array | undefined): ContextStep;
  /** GSS_Wrap, with confidentiality; each call is a message of its own, in order. */
  wrap(plain: Uint8Array): Uint8Array;
  /** GSS_Unwrap. @throws Fault TARGET_PROTOCOL_VIOLATION where the target did not wrap it */
  unwrap(wrapped: Uint8Array): Uint8Array;
}
