/** Words that are in the inputs of a room and nowhere else: where one of them is found, something has left. */
export const CANARIES = {
  letter: 'Quenzarolith',
  other: 'Brindlevoxen',
  swapped: 'Marfolquetta',
  customer: 'zuphericarn',
} as const

export const LETTERS: readonly string[] = [
  `The harbour of ${CANARIES.letter} was closed for a week. Ships waited outside in the fog. On Monday the pilots went out again.`,
  `My brother sold the mill at ${CANARIES.other}. He kept the horses and the lower field. Nobody in the village knew why he did it.`,
]

/** The canaries that stand in these bytes or words, as they are or in base64. */
export function canariesIn(where: Uint8Array | string): string[] {
  const bytes =
    typeof where === 'string' ? Buffer.from(where) : Buffer.from(where.buffer, where.byteOffset, where.length)
  return Object.values(CANARIES).filter((word) => formsOf(word).some((form) => bytes.includes(form)))
}

/** A word as it stands in bytes, and in base64 at each of three offsets without the characters that neighbours change. */
function formsOf(word: string): string[] {
  const encoded = [0, 1, 2].map((offset) => {
    const base64 = Buffer.concat([Buffer.alloc(offset), Buffer.from(word)]).toString('base64url')
    return base64.slice(offset === 0 ? 0 : offset + 1, -2)
  })
  return [word, ...encoded]
}
