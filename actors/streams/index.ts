export { guardedFrom } from "./guarded-signal.ts";
export type { IncomingStream } from "./incoming-stream.ts";
export { OutgoingStream } from "./outgoing-stream.ts";
export { OutgoingStreams, type StreamLabel } from "./outgoing-streams.ts";
export { isStreamSource, pumpStream, type StreamSource } from "./stream-source.ts";
export { Streams } from "./streams.ts";
