const MOST_BYTES = 1024 * 1024;

/** What a provider answers, up to a bound: a hostile one fills no memory. */
export async function boundedFetch(address: string, init: RequestInit): Promise<Response> {
  const response = await fetch(address, { ...init, redirect: 'manual' });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += (chunk as Uint8Array).length;
    if (length > MOST_BYTES) throw new TypeError(`the provider answered more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  const empty = [204, 205, 304].includes(response.status);
  return new Response(empty ? null : Buffer.concat(chunks), { status: response.status, headers: response.headers });
}
