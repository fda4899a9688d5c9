import { splitItems } from '@sotto/protocol/room'
import { roomTrainError } from '../errors.ts'

/** Texts of one input, as their owner sealed them: each behind its length. The owner controls every byte. */
export interface TextSource {
  readonly name: string
  /** How many texts, as the owner stated. */
  readonly items: number
  /** Bytes of all, with their lengths. */
  readonly size: number
  readonly bytes: Uint8Array
}

/** Bytes of one input: each is a token at most, beside the few that are added. */
const MAX_BYTES = 2 ** 27
/** Bytes of one text. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024

/**
 * Reads the texts of an input.
 * @param isPrivate nothing is refused for what one text is: it is read as far as it is one
 * @throws `ROOM_TRAIN_TOO_LARGE` for an input, whose size everybody knows; `ROOM_TRAIN_TEXT` for what is not so many texts, and
 *   without a guarantee for one that is too long or no UTF-8
 */
export async function readTexts(source: TextSource, isPrivate: boolean): Promise<string[]> {
  const { name, items, size } = source
  if (size > MAX_BYTES)
    throw roomTrainError('ROOM_TRAIN_TOO_LARGE', `text ${name} is larger than a trainer takes`, {
      expected: `at most ${MAX_BYTES} bytes`,
    })
  const decoder = new TextDecoder('utf-8', { fatal: !isPrivate, ignoreBOM: true })
  const texts: string[] = []
  try {
    for await (const item of splitItems(once(source.bytes), items)) {
      if (item.length > MAX_TEXT_BYTES && !isPrivate) throw new RangeError('too long')
      texts.push(decoder.decode(item.subarray(0, MAX_TEXT_BYTES)))
    }
  } catch {
    // What caught it may quote the text.
    throw roomTrainError('ROOM_TRAIN_TEXT', `text ${name} is not what its owner stated, or no UTF-8`, {
      expected: `UTF-8 of at most ${MAX_TEXT_BYTES} bytes each`,
    })
  }
  return texts
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
