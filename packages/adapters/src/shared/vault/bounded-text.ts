import { Fault } from '@enchilada/core/fault';

const MOST_BYTES = 1024 * 1024;

/** @throws Fault SECRET_STORE_UNAVAILABLE where the answer is larger than any secret */
export async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MOST_BYTES)
      throw new Fault('SECRET_STORE_UNAVAILABLE', `the vault answered with more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}
