import type { OutputPart } from '@sotto/protocol/contract'
import { roomTrainError } from '../errors.ts'

/**
 * Makes each part that is wanted, one after the other.
 * @param wanted bytes of each at most
 * @throws `ROOM_TRAIN_TOO_LARGE`; what `make` throws
 */
export async function makeParts(
  wanted: ReadonlyMap<OutputPart, number>,
  make: (part: OutputPart) => Promise<Uint8Array> | Uint8Array,
): Promise<ReadonlyMap<OutputPart, Uint8Array>> {
  const made = new Map<OutputPart, Uint8Array>()
  for (const [part, maxBytes] of wanted) {
    const bytes = await make(part)
    if (bytes.length > maxBytes)
      throw roomTrainError('ROOM_TRAIN_TOO_LARGE', 'what was made is larger than it may be', {
        expected: `at most ${maxBytes} bytes`,
      })
    made.set(part, bytes)
  }
  return made
}
