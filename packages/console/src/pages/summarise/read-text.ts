import { words } from '../../words/index.ts'

/** Characters of a text at most: some 150,000 words, a long book. */
export const MAX_CHARACTERS = 1_000_000
/** In UTF-8 a character of a text has one to four bytes. */
const MAX_BYTES = 4 * MAX_CHARACTERS
const KINDS = /\.(txt|text|md|markdown)$/i

/** The text of a file. @throws `Error` in words for people */
export async function readTextFile(file: File): Promise<string> {
  const own = words.summarise.refused
  if (!KINDS.test(file.name) && !file.type.startsWith('text/')) throw new Error(own.kind(file.name))
  if (file.size > MAX_BYTES) throw new Error(own.size(file.name, file.size, MAX_BYTES))
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer())
  } catch (cause) {
    throw new Error(own.encoding(file.name), { cause })
  }
  if (text.includes('\0')) throw new Error(own.encoding(file.name))
  if (text.length > MAX_CHARACTERS) throw new Error(own.long(text.length, MAX_CHARACTERS))
  return text.replaceAll('\r\n', '\n')
}

/** Words as people count them. */
export function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0
}
