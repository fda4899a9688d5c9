import type { FinetuneTask, Name } from '@sotto/protocol/contract'
import { readTexts, type TextSource } from '../../data/read-texts.ts'
import { encodeTexts, splitTexts, type TextPart, type Tokenizer } from '../../data/texts.ts'
import { roomTrainError } from '../../errors.ts'
import type { Chance } from '../../random/streams.ts'
import type { PlacedPart } from '../../trainer.ts'

/** Texts by their names in the contract. */
export type Texts = ReadonlyMap<Name, TextSource>

/** Windows of a fine-tuning. */
export interface TuningWindows {
  /** To learn from. */
  readonly parts: readonly PlacedPart<TextPart>[]
  /** To measure with. */
  readonly held: readonly TextPart[]
}

/**
 * Reads the texts of a task, and cuts them into windows. Texts to measure with are those of other inputs, or drawn by chance
 * from each of these.
 * @param isMeasured whether anybody measures: texts that nobody looks at are not read
 * @throws `ROOM_TRAIN_TEXT`, `ROOM_TRAIN_TOO_LARGE`; without a guarantee `ROOM_TRAIN_EMPTY`
 */
export async function readWindows(
  { texts: names, tokens, validation, privacy }: FinetuneTask,
  texts: Texts,
  tokenizer: Tokenizer,
  chance: Chance,
  isMeasured: boolean,
): Promise<TuningWindows> {
  const isPrivate = privacy !== undefined
  const nanos = validation && 'splitNanos' in validation ? validation.splitNanos : 0
  const encode = (name: Name, some: readonly string[], among: Tokenizer): TextPart =>
    encodeTexts(name, some, among, tokens)
  const words = isPrivate ? unfailing(tokenizer) : tokenizer
  const parts: PlacedPart<TextPart>[] = []
  const held: TextPart[] = []
  for (const [place, name] of names.entries()) {
    const all = await readTexts(sourceOf(texts, name), isPrivate)
    const split = nanos > 0 ? splitTexts(all, nanos, chance, place) : { train: all, held: [] }
    const part = encode(name, split.train, words)
    // How much there is to learn from is data.
    if (!isPrivate && part.rows === 0)
      throw roomTrainError('ROOM_TRAIN_EMPTY', `text ${name} has nothing to train on`)
    parts.push({ place, part })
    if (nanos > 0 && isMeasured) held.push(encode(name, split.held, words))
  }
  if (validation && 'texts' in validation && isMeasured)
    for (const name of validation.texts)
      held.push(encode(name, await readTexts(sourceOf(texts, name), false), tokenizer))
  return { parts, held }
}

function sourceOf(texts: Texts, name: Name): TextSource {
  const source = texts.get(name)
  if (source) return source
  throw roomTrainError('ROOM_TRAIN_SETTINGS', `text ${name} is not there`)
}

/** Whoever made the model made its tokenizer, too: one that fails at some text would tell that this text is there. */
function unfailing(tokenizer: Tokenizer): Tokenizer {
  return {
    ...tokenizer,
    tokenize: (text) => {
      try {
        return tokenizer.tokenize(text)
      } catch {
        return []
      }
    },
  }
}
