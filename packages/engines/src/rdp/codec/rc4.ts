/** RC4, for NTLM's session security inside TLS ([MS-NLMP] 3.4.4) and for RDP's own encryption ([MS-RDPBCGR] 5.3), where a machine allows that. */
export class Rc4 {
  readonly #state = Uint8Array.from({ length: 256 }, (_, index) => index);
  #i = 0;
  #j = 0;

  constructor(key: Uint8Array) {
    const state = this.#state;
    for (let i = 0, j = 0; i < 256; i++) {
      const first = state[i] ?? 0;
      j = (j + first + (key[i % key.length] ?? 0)) & 0xff;
      state[i] = state[j] ?? 0;
      state[j] = first;
    }
  }

  update(bytes: Uint8Array): Uint8Array {
    const out = new Uint8Array(bytes.length);
    // Pictures go through here byte by byte.
    const state = this.#state;
    let [i, j] = [this.#i, this.#j];
    for (let at = 0; at < bytes.length; at++) {
      i = (i + 1) & 0xff;
      const first = state[i] ?? 0;
      j = (j + first) & 0xff;
      const second = state[j] ?? 0;
      state[i] = second;
      state[j] = first;
      out[at] = (bytes[at] ?? 0) ^ (state[(first + second) & 0xff] ?? 0);
    }
    [this.#i, this.#j] = [i, j];
    return out;
  }
}
