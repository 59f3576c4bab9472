/** RC4, for NTLM's session security ([MS-NLMP] 3.4.4); it goes inside TLS here. */
export class Rc4 {
  readonly #state = Uint8Array.from({ length: 256 }, (_, index) => index);
  #i = 0;
  #j = 0;

  constructor(key: Uint8Array) {
    for (let i = 0, j = 0; i < 256; i++) {
      j = (j + (this.#state[i] ?? 0) + (key[i % key.length] ?? 0)) & 0xff;
      this.#swap(i, j);
    }
  }

  update(bytes: Uint8Array): Uint8Array {
    return bytes.map((byte) => {
      this.#i = (this.#i + 1) & 0xff;
      this.#j = (this.#j + (this.#state[this.#i] ?? 0)) & 0xff;
      this.#swap(this.#i, this.#j);
      return byte ^ (this.#state[((this.#state[this.#i] ?? 0) + (this.#state[this.#j] ?? 0)) & 0xff] ?? 0);
    });
  }

  #swap(i: number, j: number): void {
    const held = this.#state[i] ?? 0;
    this.#state[i] = this.#state[j] ?? 0;
    this.#state[j] = held;
  }
}
