const WORDS: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `there is no ${path}`,
  EACCES: (path) => `${path} may not be opened by this account`,
  EPERM: (path) => `${path} may not be changed by this account`,
  EEXIST: (path) => `${path} is there already`,
  EISDIR: (path) => `${path} is a folder`,
  ENOTDIR: (path) => `${path} leads through a file`,
  ENOSPC: () => 'the disk is full',
  EROFS: (path) => `${path} lies on a disk that cannot be written`,
};

/** What the system said about a file, in words; undefined where the error is none of the system's. */
export function fileTrouble(error: unknown): { readonly message: string; readonly code: string } | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || !/^E[A-Z]+$/u.test(code)) return undefined;
  return { code, message: path === undefined ? message : (WORDS[code]?.(path) ?? message) };
}
