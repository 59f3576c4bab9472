export type UserId = string;
export type GroupId = string;

export const ROLES = ['user', 'auditor', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

export interface User {
  readonly id: UserId;
  /** As typed; unique by its normalised form (lower case, NFKC, trimmed). */
  readonly username: string;
  readonly displayName: string;
  readonly role: Role;
  /** Encoded argon2id hash (PHC string), absent for people who cannot sign in with a password. */
  readonly passwordHash: string | undefined;
  /** The local administrator of last resort: signs in when every other provider is down; each use is audited loudly. */
  readonly breakGlass: boolean;
  /** Of a program, and owned by the organisation: it holds API tokens. INVARIANT: it never has a password, a factor or a login. */
  readonly isService?: boolean;
  readonly disabledAt: number | undefined;
  readonly createdAt: number;
  readonly lastLoginAt: number | undefined;
  /** Own choices: language, theme, terminal settings. JSON object of plain values. */
  readonly preferences: Readonly<Record<string, string | number | boolean>>;
  /** Rises with each change of rights; live logins with an older value are checked again. */
  readonly version: number;
}

/** By what a person or a group is found and shown: its name, and the display name or description. */
export interface SubjectName {
  /** Of the person or of the group. */
  readonly id: string;
  readonly name: string;
  readonly detail: string;
  readonly isDisabled: boolean;
}

export interface UserGroup {
  readonly id: GroupId;
  readonly name: string;
  readonly description: string;
  readonly createdAt: number;
  /** Its members sign in with a second factor. */
  readonly requiresSecondFactor?: boolean;
}
