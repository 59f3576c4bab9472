export { stdoutSink } from './stdout-sink.ts';
