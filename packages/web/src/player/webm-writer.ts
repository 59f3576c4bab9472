export interface EncodedPicture {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly atMs: number;
  /** Whether it can be shown without those before it. */
  readonly isKey: boolean;
}

export interface VideoShape {
  readonly width: number;
  readonly height: number;
  /** As Matroska names it: V_VP8, V_VP9. */
  readonly codec: string;
}

/** https://www.rfc-editor.org/rfc/rfc9559#section-5.1 and https://www.rfc-editor.org/rfc/rfc8794#section-11.2 */
const ID = {
  ebml: 0x1a45dfa3,
  version: 0x4286,
  readVersion: 0x42f7,
  maxIdLength: 0x42f2,
  maxSizeLength: 0x42f3,
  docType: 0x4282,
  docTypeVersion: 0x4287,
  docTypeReadVersion: 0x4285,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackUid: 0x73c5,
  trackType: 0x83,
  lacing: 0x9c,
  codecId: 0x86,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  cues: 0x1c53bb6b,
  cuePoint: 0xbb,
  cueTime: 0xb3,
  cueTrackPositions: 0xb7,
  cueTrack: 0xf7,
  cueClusterPosition: 0xf1,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
} as const;

const TRACK = 1;
const IS_VIDEO = 1;
const MS_IN_NS = 1_000_000;
/** The time of a block is 16 bits, signed, of milliseconds since its cluster began. */
const LONGEST_CLUSTER_MS = 30_000;

type Bytes = Uint8Array<ArrayBuffer>;

function idBytes(id: number): Bytes {
  const bytes: number[] = [];
  for (let rest = id; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from(bytes);
}

/** Eight bytes, of which the first says so. */
function sizeBytes(size: number): Bytes {
  const bytes = uint(size);
  bytes[0] = 1;
  return bytes;
}

function uint(value: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

function float(value: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}

const text = (value: string): Bytes => Uint8Array.from(value, (character) => character.charCodeAt(0));

function joined(parts: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function element(id: number, ...parts: readonly Uint8Array[]): Bytes {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return joined([idBytes(id), sizeBytes(size), ...parts]);
}

/** A WebM file of one video track without sound, with an index by which players seek. https://www.webmproject.org/docs/container/ */
export class WebmWriter {
  readonly #shape: VideoShape;
  readonly #clusters: Blob[] = [];
  readonly #cues: { readonly atMs: number; readonly position: number }[] = [];
  #clusterBytes = 0;
  #blocks: Uint8Array[] = [];
  #clusterMs = 0;

  constructor(shape: VideoShape) {
    this.#shape = shape;
  }

  /** INVARIANT: in order of time, the first one a key picture. */
  add({ bytes, atMs, isKey }: EncodedPicture): void {
    const time = Math.round(atMs);
    if (this.#blocks.length > 0 && (isKey || time - this.#clusterMs > LONGEST_CLUSTER_MS)) this.#closeCluster();
    if (this.#blocks.length === 0) {
      this.#clusterMs = time;
      if (isKey) this.#cues.push({ atMs: time, position: this.#clusterBytes });
    }
    const head = new DataView(new ArrayBuffer(4));
    head.setUint8(0, 0x80 | TRACK);
    head.setInt16(1, time - this.#clusterMs);
    head.setUint8(3, isKey ? 0x80 : 0);
    this.#blocks.push(element(ID.simpleBlock, new Uint8Array(head.buffer), bytes));
  }

  finish(durationMs: number): Blob {
    if (this.#blocks.length > 0) this.#closeCluster();
    const { width, height, codec } = this.#shape;
    const head = element(
      ID.ebml,
      ...[element(ID.version, uint(1)), element(ID.readVersion, uint(1))],
      ...[element(ID.maxIdLength, uint(4)), element(ID.maxSizeLength, uint(8))],
      ...[element(ID.docType, text('webm')), element(ID.docTypeVersion, uint(4))],
      element(ID.docTypeReadVersion, uint(2)),
    );
    const info = element(
      ID.info,
      ...[element(ID.timestampScale, uint(MS_IN_NS)), element(ID.duration, float(durationMs))],
      ...[element(ID.muxingApp, text('enchilada')), element(ID.writingApp, text('enchilada'))],
    );
    const tracks = element(
      ID.tracks,
      element(
        ID.trackEntry,
        ...[element(ID.trackNumber, uint(TRACK)), element(ID.trackUid, uint(TRACK))],
        ...[element(ID.trackType, uint(IS_VIDEO)), element(ID.lacing, uint(0)), element(ID.codecId, text(codec))],
        element(ID.video, element(ID.pixelWidth, uint(width)), element(ID.pixelHeight, uint(height))),
      ),
    );
    // Numbers have a fixed width: the index is as long whatever it says.
    const before = info.length + tracks.length;
    const cues = this.#cuesBehind(before + this.#cuesBehind(0).length);
    const size = before + cues.length + this.#clusterBytes;
    return new Blob([head, idBytes(ID.segment), sizeBytes(size), info, tracks, cues, ...this.#clusters], {
      type: 'video/webm',
    });
  }

  #cuesBehind(clustersAt: number): Bytes {
    return element(
      ID.cues,
      ...this.#cues.map(({ atMs, position }) =>
        element(
          ID.cuePoint,
          element(ID.cueTime, uint(atMs)),
          element(
            ID.cueTrackPositions,
            element(ID.cueTrack, uint(TRACK)),
            element(ID.cueClusterPosition, uint(clustersAt + position)),
          ),
        ),
      ),
    );
  }

  /** A blob is the browser's to keep, on disk where it is large. */
  #closeCluster(): void {
    const cluster = element(ID.cluster, element(ID.timestamp, uint(this.#clusterMs)), ...this.#blocks);
    this.#clusters.push(new Blob([cluster]));
    this.#clusterBytes += cluster.length;
    this.#blocks = [];
  }
}
