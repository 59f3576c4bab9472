/**
 * Every failure the product names. Codes are permanent: a retired code moves to `RETIRED_FAULTS` and is never reused.
 * The sentence is what an operator reads in the reference (docs/faults.md); texts for people live in the message catalogue under `fault.<code>`.
 */
export const FAULTS = {
  INTERNAL: 'Something failed that has no name yet; the log holds the cause under the reference id.',
  INVALID_REQUEST: 'The request does not match its schema; the detail names the field.',
  NOT_FOUND: 'There is no such object, or the caller may not know of it; both are answered alike.',
  CONFLICT: 'The object was changed or created by someone else in the meantime, or the name is taken.',
  UNAUTHENTICATED: 'No valid login session came with the request.',
  FORBIDDEN: 'The caller is signed in and lacks the permission for this function of the product.',
  ORIGIN_REFUSED:
    'The request came from another origin than the public URL, or lacks the header that proves it did not.',
  THROTTLED: 'Too many attempts; the answer says when to try again.',
  BOOTSTRAP_REQUIRED: 'No administrator exists yet; the one-time bootstrap link must be used first.',
  BOOTSTRAP_TOKEN_REFUSED: 'The bootstrap token is wrong, used or expired.',
  RECOVERY_TOKEN_REFUSED: 'The recovery link is wrong, used or expired.',
  LOGIN_REFUSED: 'The name or the password is wrong, or the account is disabled; which one is not said.',
  DEVICE_SIGN_IN_OFF: 'Signing in command lines by way of a browser is switched off in the settings.',
  SECOND_FACTOR_DUE: 'The login lacks its second factor; nothing else can be done with it.',
  ACCESS_NOT_NOW: 'The grant on the machine holds at other times or from other networks.',
  APPROVAL_REQUIRED: 'The machine is opened with an approval; there is none, or it was used already.',
  STEP_UP_REQUIRED:
    'The machine, the grant or the act asks the person to prove again who they are; the facts say how recently and by what.',
  FACTOR_REFUSED: 'The code, recovery code or passkey is wrong, was used already or belongs to somebody else.',
  PROVIDER_REFUSED:
    'The identity provider refused the sign-in, or its answer does not hold; nothing of it is believed.',
  PROVIDER_UNAVAILABLE: 'The identity provider cannot be reached, or answers what its standard does not allow.',
  SIGN_IN_LOST: 'The sign-in was begun in another browser, too long ago, or was completed already.',
  NOT_ADMITTED: 'The identity provider knows the person, and no rule here admits them.',
  PASSWORD_EXPIRED: 'The directory asks the person for a new password before they may sign in.',
  PASSWORD_TOO_WEAK: 'The new password is too short, too common or contains the account name.',
  LAST_ADMINISTRATOR: 'The change would leave the product without an administrator.',
  TICKET_REFUSED: 'The ticket is unknown, used, expired, or belongs to another session, socket kind or login.',
  HISTORY_UNKNOWN:
    'What access rested on at that time is not known: it is before the history begins, which the facts name, or not past yet.',
  REPORT_TOO_LARGE: 'The report would have more rows than a file may, which the facts name; ask about less.',
  GRANT_FULL: 'All sessions that the grant allows at once are taken.',
  SESSION_LIMIT: 'The person or the node has as many live sessions as allowed.',
  VIEWER_LIMIT: 'As many look on at the session as may at once.',
  SESSION_ENDED: 'The session has ended and cannot be resumed.',
  SESSION_ELSEWHERE: 'The session lives on a node that cannot be reached from here.',
  SESSION_REVOKED: 'The right to this session was withdrawn while it ran.',
  SIGN_IN_WITHDRAWN: 'The identity provider no longer confirms the sign-in that the session rests on.',
  ACCESS_ENDED: 'The time for which the access was given is over, or it holds from other networks only.',
  SESSION_TERMINATED: 'An administrator ended the session; the reason is shown.',
  SESSION_IDLE: 'The session was ended after the idle limit.',
  SESSION_EXPIRED: 'The session reached its maximum length.',
  VIEWER_STALLED: 'The browser took no output for a minute; the viewer was closed, the session goes on.',
  VIEWER_REPLACED: 'The session was resumed in another window; the viewer was closed, the session goes on.',
  NODE_DRAINING: 'The node is shutting down and takes no new sessions.',
  TARGET_NAME_NOT_FOUND: 'The host name does not resolve.',
  TARGET_NO_ROUTE: 'The network has no route to the address.',
  TARGET_REFUSED: 'The address answers and refuses the port.',
  TARGET_TIMED_OUT: 'Nothing answered within the time limit.',
  TARGET_EGRESS_DENIED: 'The egress policy forbids the resolved address or port.',
  TARGET_CLEARTEXT_REFUSED: 'The protocol has no encryption, and the configuration does not allow such protocols.',
  TARGET_PROTOCOL_VIOLATION: 'The target does not speak the protocol, or broke its rules or limits.',
  TARGET_NO_COMMON_ALGORITHM: 'Gateway and target share no permitted algorithm.',
  TARGET_DISCONNECTED: 'The target closed the connection.',
  TARGET_KEEPALIVE_LOST: 'The target stopped answering keepalives.',
  HOST_KEY_UNKNOWN: 'The host key is not known and the policy does not let it be accepted.',
  HOST_KEY_CHANGED: 'The host key differs from the pinned one.',
  HOST_KEY_REJECTED: 'The person did not accept the host key.',
  CREDENTIAL_REFUSED: 'The target refused the credential.',
  CREDENTIAL_MISSING: 'No credential is set for the machine, or none of a kind that the protocol takes.',
  CREDENTIAL_UNREADABLE: 'The private key cannot be read, or its passphrase is wrong.',
  PERSONAL_KEY_MISSING: 'The machine is opened with an OpenSSH key of the person, who has none yet.',
  PERSONAL_KEY_REFUSED: 'The target refused the OpenSSH keys of the person: it does not have their public halves.',
  CERTIFICATE_REFUSED:
    'The target refused the certificate: it does not trust the authority, takes none of its names, has revoked it, or its clock is wrong.',
  SECRET_STORE_DENIED: 'The secret store refused the gateway; the facts name the permission that is missing.',
  SECRET_NOT_FOUND: 'The secret store has no such secret, or not the field that the credential names.',
  SECRET_STORE_UNAVAILABLE: 'The secret store cannot be reached, is sealed, throttles, or did not answer in time.',
  USERNAME_UNFIT: 'The template of the user name gives none for this person, or one that machines are not told.',
  CREDENTIAL_UNAVAILABLE: 'The sealed credential cannot be opened: wrong key-encryption key or altered row.',
  MACHINE_ACCESS_DENIED:
    'The cloud in which the machine was found does not let the gateway in to it; the facts name the permission.',
  MACHINE_ACCESS_THROTTLED: 'The cloud in which the machine was found takes no more calls for now.',
  MACHINE_ACCESS_FAILED: 'The cloud in which the machine was found could not let the gateway in to it.',
  MACHINE_NOT_RUNNING: 'The cloud says that the machine does not run, or is no more.',
  MACHINE_GONE:
    'Where the machine was found it is no more: terminated, deleted or unknown. Another may have its address.',
  LAUNCH_PASSWORD_MISSING: 'The cloud keeps no password for the machine, or not yet.',
  LAUNCH_PASSWORD_KEY_WRONG: 'The stored private key is not that of the key pair with which the machine was launched.',
  PROMPT_ABANDONED: 'The person did not answer a question of the target in time, or left.',
  SHELL_REFUSED: 'The target refused the terminal, the shell or the command.',
  FILES_UNAVAILABLE: 'The machine gives no access to files beside the session.',
  FILE_NOT_FOUND: 'There is no such file or folder on the machine.',
  FILE_DENIED: 'The account on the machine may not do this with the file, or the grant does not allow this direction.',
  FILE_EXISTS: 'Something on the machine has that name already.',
  FILE_NO_SPACE: 'The machine has no room left for the file.',
  FILE_NOT_WRITTEN: 'The machine did not take the content of the file; a full disk or a quota is the likely cause.',
  FILE_CHANGED: 'The file on the machine changed during the transfer, or is shorter than it said.',
  FILE_UNFIT: 'What was asked for is no regular file, too large, or has a name that is not allowed.',
  FILE_NOT_EMPTY: 'The folder holds something, and only an empty one is deleted.',
  FILE_REFUSED: 'The machine refused the operation and gave no reason.',
  KEY_UNAVAILABLE: 'The key-encryption key cannot be read or used.',
  RECORDER_FAILED: 'The recorder can no longer accept output; strict sessions end.',
  RECORDING_STORE_FULL: 'There is no room left for recordings.',
  RECORDING_NOT_FOUND: 'There is no such recording.',
  RECORDING_HAS_NO_TEXT:
    'The recording is of a desktop and cannot become asciicast or text; it can be played, and downloaded sealed.',
  RECORDING_DAMAGED: 'The recording does not verify.',
  DISCOVERY_DENIED: 'A cloud refused a call of discovery; the facts name the permission that is missing.',
  DISCOVERY_THROTTLED: 'A cloud takes no more calls for now; discovery goes on by itself later.',
  DISCOVERY_FAILED: 'A cloud or inventory cannot be read; what was known of it stays in the catalog.',
  NOTIFICATION_FAILED: 'News could not be delivered to an endpoint; it is tried again.',
  STORE_UNAVAILABLE: 'The database cannot be reached or is read-only.',
  CONFIGURATION_INVALID: 'The configuration file or environment is wrong; the detail names the key.',
  PROTOCOL_MESSAGE_INVALID:
    'A frame on the control or data socket is malformed, too large, or not allowed in this state.',
} as const;

export type FaultCode = keyof typeof FAULTS;

/** Facts a fault carries to the person: plain values only, never a secret. */
export type FaultFacts = Readonly<Record<string, string | number | boolean>>;

/** An error with a permanent code. The message is one lower-case clause in the operator's terms, with the value received. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly facts: FaultFacts;

  constructor(code: FaultCode, message: string, options: ErrorOptions & { readonly facts?: FaultFacts } = {}) {
    super(message, options);
    this.name = 'Fault';
    this.code = code;
    this.facts = options.facts ?? {};
  }
}

export function isFault(value: unknown, code?: FaultCode): value is Fault {
  return value instanceof Fault && (code === undefined || value.code === code);
}

/** The fault itself, or INTERNAL with the value as its cause. */
export function toFault(value: unknown): Fault {
  if (value instanceof Fault) return value;
  return new Fault('INTERNAL', value instanceof Error ? value.message : 'a value was thrown that is no error', {
    cause: value,
  });
}
