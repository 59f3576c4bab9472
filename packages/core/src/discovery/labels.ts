/** Labels that begin so are discovery's own: no person writes them, so grants may trust the first kind and never the second. */
export const TRUSTED_PREFIX = 'cloud:';
export const TAG_PREFIX = 'tag:';
/** Present where an unprotected tag chose the group: grants on the group then do not reach the machine. */
export const PLACED_BY_TAG = 'cloud:placed-by';

/** The rule that gives groups rights on the machine; its grants select by it. */
export const GRANTED_BY = 'cloud:granted-by';
/** What is kept of what is typed there, where that differs from the setting. */
export const INPUT_RECORDING = 'cloud:input-recording';

/** A label that people may not write, and of which grants may not select the untrusted kind. */
export function isReserved(label: string): boolean {
  return label.startsWith(TRUSTED_PREFIX) || label.startsWith(TAG_PREFIX);
}

/** Discovery made the machine. INVARIANT: every such machine has labels of discovery, no person takes them away, and they outlive its source. */
export function isDiscovered({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean {
  return Object.keys(labels).some(isReserved);
}
