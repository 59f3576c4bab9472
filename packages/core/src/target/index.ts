export type { HostKey, HostKeyPolicy, HostKeyState, Target, TargetGroup, TargetGroupId, TargetId } from './target.ts';
export { HOST_KEY_POLICIES } from './target.ts';
export { decideHostKey } from './host-key.ts';
export type { PresentedHostKey } from './host-key.ts';
