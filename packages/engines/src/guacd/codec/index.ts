export { encodeInstruction, InstructionDecoder, MOST_INSTRUCTION_BYTES } from './instructions.ts';
export type { Instruction } from './instructions.ts';
export { FromGuacd, FromViewer } from './passing.ts';
export type { ClipboardStream } from './passing.ts';
export { faultOfError } from './status.ts';
export { withTokens } from './tokens.ts';
export type { Tokens } from './tokens.ts';
