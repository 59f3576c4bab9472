// If one of these names begins to resolve, the build fails: a host has leaked into a pure package.
// @ts-expect-error Node
export type NoBuffer = Buffer;
// @ts-expect-error Node
export type NoProcess = typeof process;
// @ts-expect-error browser
export type NoDocument = typeof document;
