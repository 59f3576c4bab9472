import type { AuthorizedTarget } from '../access/index.ts';
import { Fault, isFault } from '../fault/index.ts';
import type { VerifiedIdentity } from '../identity/index.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { HostedSession } from './hosted-session.ts';
import { fileRightsOf, type SessionAccess } from './session-access.ts';
import type { FileCaller, FileRights, SessionFiles } from './session-files.ts';
import type { SessionRecord } from './session.ts';

/** The files of a session in somebody's hands. */
export interface PersonalFiles {
  readonly files: SessionFiles;
  readonly caller: FileCaller;
}

export interface AskedFiles {
  readonly sessionId: string;
  readonly address: string;
  /** The session as this node holds it; undefined where it does not. */
  readonly hosted: () => HostedSession | undefined;
}

/** Who may move which files of a session: those of its machine, or of the machine beside it that has them. */
export class FilesAccess {
  readonly #parts: BrokerParts;
  readonly #access: SessionAccess;

  constructor(parts: BrokerParts, access: SessionAccess) {
    this.#parts = parts;
    this.#access = access;
  }

  /** The files of the person's own live session, with their rights as they are now. @throws Fault NOT_FOUND, SESSION_*, FILES_UNAVAILABLE */
  async of(identity: VerifiedIdentity, { sessionId, address, hosted: hostedNow }: AskedFiles): Promise<PersonalFiles> {
    const view = { mode: 'control', address } as const;
    const look = async (): Promise<{ readonly record: SessionRecord | undefined; readonly rights: FileRights }> => {
      const record = await this.#parts.store.now.sessions.find(sessionId);
      const leave = await this.#access.mayView(identity, record, view);
      const hosted = hostedNow();
      if (hosted?.filesTargetId === undefined || record === undefined)
        return { record, rights: fileRightsOf(leave.actions) };
      const beside = await this.beside(leave, record, address);
      if (beside?.target.id !== hosted.filesTargetId) return { record, rights: { upload: false, download: false } };
      // The machine of the session itself has been given its proof.
      if (hosted.files?.isOpen === false) this.#access.requireProof(beside);
      return { record, rights: fileRightsOf(beside.actions) };
    };
    const { record, rights } = await look();
    const hosted = hostedNow();
    if (hosted === undefined && (record?.nodeId ?? '') !== '')
      throw new Fault('SESSION_ELSEWHERE', 'another node holds the session');
    const files = hosted?.files;
    if (files === undefined) throw new Fault('FILES_UNAVAILABLE', 'this session has no files');
    return {
      files,
      caller: {
        rights,
        stillMay: async (direction) => (await look()).rights[direction],
      },
    };
  }

  /** Where the files of the session are if they are on another machine, and the person may move some; undefined otherwise. */
  async beside(leave: AuthorizedTarget, record: SessionRecord, address: string): Promise<AuthorizedTarget | undefined> {
    const { engines } = this.#parts;
    if (record.viewOnly || engines.get(leave.target.protocol)?.manifest.holdsFiles === true) return undefined;
    try {
      const found = await this.#access.mayReachFiles(leave, record, address);
      return engines.get(found.target.protocol)?.openFiles === undefined ? undefined : found;
    } catch (failure) {
      if (isFault(failure, 'NOT_FOUND')) return undefined;
      throw failure;
    }
  }
}
