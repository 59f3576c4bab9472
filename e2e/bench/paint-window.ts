/** Shows a photo-like animation of 640 × 480 at 25 frames a second on an X display, by the X protocol itself. Argument: the display, as `:1`. */
import { connect } from 'node:net';

const [WIDTH, HEIGHT, FRAMES, ROWS] = [640, 480, 25, 100];
const socket = connect(`/tmp/.X11-unix/X${(process.argv[2] ?? '').replace(':', '')}`);

/** https://www.x.org/releases/current/doc/xproto/x11protocol.html#Encoding */
function request(opcode: number, data: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head[0] = opcode;
  head[1] = data;
  head.writeUInt16LE(1 + body.length / 4, 2);
  return Buffer.concat([head, body]);
}

function words(...values: readonly number[]): Buffer {
  const out = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) out.writeUInt32LE(value >>> 0, 4 * index);
  return out;
}

const pair = (low: number, high: number): number => ((high & 0xffff) << 16) | (low & 0xffff);

/** Soft shapes with grain, as a camera gives them; the grain is the same in each run. */
function frame(time: number): Buffer {
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 4);
  let grain = 12_345 + time;
  for (let y = 0, at = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1, at += 4) {
      grain = (Math.imul(grain, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      const noise = (grain >> 16) & 15;
      const angle = (time / FRAMES) * 2 * Math.PI;
      pixels[at] = 110 + 90 * Math.sin(x / 90 + angle) + noise;
      pixels[at + 1] = 110 + 90 * Math.sin(y / 70 - angle) + noise;
      pixels[at + 2] = 110 + 90 * Math.sin((x + y) / 120 + 2 * angle) + noise;
    }
  }
  return pixels;
}

const frames = Array.from({ length: FRAMES }, (_, time) => frame(time));
socket.write(Buffer.from([0x6c, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
let setup = Buffer.alloc(0);
const onSetup = (bytes: Buffer): void => {
  setup = Buffer.concat([setup, bytes]);
  if (setup.length < 8 || setup.length < 8 + 4 * setup.readUInt16LE(6)) return;
  if (setup[0] !== 1) throw new Error('the display refuses the connection');
  socket.off('data', onSetup);
  socket.resume();
  const base = setup.readUInt32LE(12);
  const root = setup.readUInt32LE(40 + Math.ceil(setup.readUInt16LE(24) / 4) * 4 + 8 * (setup[29] ?? 0));
  const [window, context] = [base + 1, base + 2];
  socket.write(request(1, 24, words(window, root, pair(300, 150), pair(WIDTH, HEIGHT), pair(0, 1), 0, 0x200, 1)));
  socket.write(request(8, 0, words(window)));
  socket.write(request(55, 0, words(context, window, 0)));
  let next = 0;
  setInterval(() => {
    const pixels = frames[next++ % FRAMES] ?? Buffer.alloc(0);
    for (let y = 0; y < HEIGHT; y += ROWS) {
      const rows = Math.min(ROWS, HEIGHT - y);
      const part = pixels.subarray(y * WIDTH * 4, (y + rows) * WIDTH * 4);
      const head = Buffer.concat([words(window, context, pair(WIDTH, rows), pair(0, y)), Buffer.from([0, 24, 0, 0])]);
      socket.write(request(72, 2, Buffer.concat([head, part])));
    }
  }, 1_000 / FRAMES);
};
socket.on('data', onSetup);
socket.on('close', () => process.exit());
