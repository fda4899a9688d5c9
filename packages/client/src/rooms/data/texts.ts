import { concat, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { itemHeader } from '@sotto/protocol/room'
import { requireItems } from './items.ts'
import { type Line, linesOf, MAX_LINE_BYTES } from './lines.ts'
import { type DataFiles, type DataSource, inOrder, piecesOf, refused } from './source.ts'

/** Files whose lines are texts. */
const LINES = /\.(?:jsonl|ndjson)$/i

/** Bytes of one text at most: a room takes no more, and no line has more. */
const MAX_TEXT_BYTES = MAX_LINE_BYTES

/**
 * Texts: each file is one, but for JSON Lines, where each line is: a string, or an object whose member `text` is one,
 * whatever else it has. Empty lines are none. All of it is UTF-8.
 * @throws `ROOM_DATA_SOURCE`, also while it is read
 */
export function textSource(files: DataFiles): DataSource {
  const all = inOrder(files)
  const whole = all.filter(([name]) => !LINES.test(name))
  requireItems(whole, all.length, MAX_TEXT_BYTES)
  return {
    media: 'text',
    async *read(signal, onItem) {
      for (const [name, file] of all) {
        const pieces = piecesOf(name, file, signal)
        if (LINES.test(name)) yield* itemsOfLines(name, pieces, onItem)
        else {
          onItem()
          yield itemHeader(file.size)
          yield* requireUtf8(name, pieces)
        }
      }
    },
  }
}

async function* itemsOfLines(
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  onItem: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const line of linesOf(name, pieces)) {
    const item = textOf(name, line)
    if (item === undefined) continue
    onItem()
    yield concat(itemHeader(item.length), item)
  }
}

/** The text of a line; undefined for an empty one. */
function textOf(name: string, { number, bytes }: Line): Uint8Array | undefined {
  try {
    const json = fromUtf8(bytes)
    if (/^[ \t\r]*$/.test(json)) return undefined
    const value: unknown = JSON.parse(json)
    const text = typeof value === 'string' ? value : (value as { text?: unknown } | null)?.text
    // Half of a surrogate pair, which JSON can spell, has no UTF-8 form.
    if (typeof text === 'string') return utf8(text)
  } catch {
    // The parser quotes what it could not read: that stays here.
  }
  throw refused(`line ${number} of ${name} is no text`, {
    expected: 'a JSON string, or an object with a string "text", in UTF-8 without a byte order mark',
  })
}

async function* requireUtf8(name: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (piece?: Uint8Array): void => {
    try {
      decoder.decode(piece, { stream: piece !== undefined })
    } catch {
      throw refused(`${name} is no text in UTF-8`, { hint: 'Convert it to UTF-8.' })
    }
  }
  for await (const piece of pieces) {
    decode(piece)
    yield piece
  }
  decode()
}
