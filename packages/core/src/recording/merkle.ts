type Hash = (...parts: readonly Uint8Array[]) => Uint8Array;

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

/** The Merkle tree hash of https://www.rfc-editor.org/rfc/rfc6962#section-2.1: one leaf can be proved without the others. */
export function merkleRoot(leaves: readonly Uint8Array[], sha256: Hash): Uint8Array {
  if (leaves.length === 0) return sha256();
  // INVARIANT: `pending` holds perfect subtrees of falling size, so that the tree needs memory for its height alone.
  const pending: { readonly size: number; readonly hash: Uint8Array }[] = [];
  for (const leaf of leaves) {
    let subtree = { size: 1, hash: sha256(LEAF, leaf) };
    for (let left = pending.at(-1); left?.size === subtree.size; left = pending.at(-1)) {
      pending.pop();
      subtree = { size: 2 * subtree.size, hash: sha256(NODE, left.hash, subtree.hash) };
    }
    pending.push(subtree);
  }
  return pending.reduceRight((right, left) => ({ size: 0, hash: sha256(NODE, left.hash, right.hash) })).hash;
}
