export { auditLine, stdoutSink } from './stdout-sink.ts';
