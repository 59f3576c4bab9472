/** COMPLETE: ended and sealed in order. INCOMPLETE: ended by a crash or a recorder failure. GAPPED: complete but for interruptions it names. */
export type RecordingState = 'COMPLETE' | 'INCOMPLETE' | 'GAPPED';
