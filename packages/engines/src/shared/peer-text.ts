/** Text of a peer for messages and prompts: bounded, without control characters. */
export function peerText(text: string, maxLength: number): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/gu, '').slice(0, maxLength);
}
