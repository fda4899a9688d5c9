import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { canonicalJson, integer, object, parseCanonicalJson, type Decoder, text } from '@sotto/protocol/jcs'
import type { SottoStorage } from '../../types.ts'
import { collateralError } from '../errors.ts'
import type { Mark } from '../types.ts'

/**
 * The newest answer of each kind that this user has seen, so that nobody can show an older one later: an
 * older one that is still in date hides a firmware defect or a revocation.
 */
export interface SeenMarks {
  /** @throws `COLLATERAL_ROLLBACK` when the mark is below the one that was seen; `COLLATERAL_MEMORY` */
  require(mark: Mark): Promise<void>
  /** Remembers a mark that {@link require} let pass and whose answer is authentic. */
  raise(mark: Mark): Promise<void>
}

const NONE = ''
const decimal: Decoder<string> = (value, path) =>
  value === NONE ? NONE : text(80, /^(?:0|[1-9]\d*)$/)(value, path)
const decodeMark = object({ date: integer(), number: decimal })

/**
 * Keeps marks in a storage that lasts. Two processes may raise one mark at the same moment: the higher one
 * is written again should the other have come last.
 */
export function seenMarks(storage: SottoStorage): SeenMarks {
  const recall = async ({ subject }: Mark): Promise<Mark | undefined> => {
    const value = await storage.get(keyOf(subject))
    return value === undefined ? undefined : parseMark(subject, value)
  }
  return {
    async require(mark) {
      const seen = await recall(mark)
      if (seen !== undefined && isBelow(mark, seen)) throw rollback(mark, seen)
    },
    async raise(mark) {
      for (let attempt = 0; attempt < 3; attempt++) {
        const seen = await recall(mark)
        if (seen !== undefined && (isBelow(mark, seen) || !isBelow(seen, mark))) return
        const { date, number } = mark
        await storage.set(keyOf(mark.subject), fromUtf8(canonicalJson({ date, number: number ?? NONE })))
      }
    },
  }
}

const keyOf = (subject: string): string => `collateral ${subject}`

/** Older in either part: genuine ones grow in both. */
function isBelow(mark: Mark, seen: Mark): boolean {
  if (mark.date < seen.date) return true
  return mark.number !== null && seen.number !== null && BigInt(mark.number) < BigInt(seen.number)
}

function parseMark(subject: string, value: string): Mark {
  try {
    const { date, number } = decodeMark(parseCanonicalJson(utf8(value), { maxBytes: 256 }), 'mark')
    return { subject, date, number: number === NONE ? null : number }
  } catch (cause) {
    throw collateralError('COLLATERAL_MEMORY', 'what is remembered of newer answers is damaged', {
      cause,
      found: subject,
      hint: 'find out what changed it; deleting it makes this client accept what is older than it has seen',
    })
  }
}

function rollback(mark: Mark, seen: Mark): Error {
  return collateralError(
    'COLLATERAL_ROLLBACK',
    `the answer is older than one seen before (${mark.subject})`,
    {
      expected: `at least ${markText(seen)}`,
      found: markText(mark),
      hint: 'a cache or mirror may lag behind: ask again later, or the vendor itself; if it stays so, do not rely on the answer',
    },
  )
}

function markText({ number, date }: Mark): string {
  const day = new Date(date * 1000).toISOString().replace('.000Z', 'Z')
  return number === null ? day : `number ${number} of ${day}`
}
