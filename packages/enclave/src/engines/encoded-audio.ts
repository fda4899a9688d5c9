import type { Item } from './channel/index.ts'

/** Bytes of a recording sent to an engine in one item at most. */
const BLOCK_BYTES = 65_536
const MARK = 'encoded'

/** A recording as its owner sent it, for the engine process to decode. Even an empty one is one item. */
export async function* encodedAudioItems(file: AsyncIterable<Uint8Array>): AsyncGenerator<Item, void> {
  yield { json: MARK, blobs: [new Uint8Array(0)] }
  for await (const part of file) {
    for (let at = 0; at < part.length; at += BLOCK_BYTES) {
      yield { json: MARK, blobs: [part.subarray(at, at + BLOCK_BYTES)] }
    }
  }
}

/** Whether an item is part of an encoded recording, not of samples. */
export function isEncodedAudio(item: Item): boolean {
  return item.json === MARK
}
