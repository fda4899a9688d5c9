import type { BoardMessage } from '@sotto/protocol/room'
import type { BoardEntry } from './message.ts'

/** What was read of a board: all of it, from its first message on. */
interface Reading {
  readonly entries: readonly BoardEntry[]
  /** Of sealed messages, all together. */
  readonly characters: number
  /** The last one, as the board showed it: sealed under a random nonce, so no other is like it. */
  readonly last: string | undefined
}

const NOTHING: Reading = { entries: [], characters: 0, last: undefined }

/**
 * Reads a board again and again, and opens each message once. A reading that fails changes nothing; of several at once,
 * each gives a whole board.
 * @param sealedAfter messages after an index without a gap, with the characters that count beside them
 * @returns all entries, in order; what it throws is that of `sealedAfter`
 */
export function keepEntries(
  sealedAfter: (index: number, characters: number) => AsyncIterable<BoardMessage>,
  open: (sealed: BoardMessage) => BoardEntry,
): () => Promise<readonly BoardEntry[]> {
  let kept = NOTHING

  async function readOn(from: Reading): Promise<Reading | undefined> {
    const entries = [...from.entries]
    let { characters, last } = from
    // A board that went back would give what came since under indexes that are thought to be read.
    let isChecked = last === undefined
    const before = entries.length - (isChecked ? 0 : 1)
    for await (const sealed of sealedAfter(before, characters - (last?.length ?? 0))) {
      if (!isChecked) {
        if (sealed.message !== last) return undefined
        isChecked = true
        continue
      }
      entries.push(open(sealed))
      characters += sealed.message.length
      last = sealed.message
    }
    return isChecked ? { entries, characters, last } : undefined
  }

  return async () => {
    const read = (await readOn(kept)) ?? (await readOn(NOTHING))!
    kept = read
    return read.entries
  }
}
