/** One word of a POSIX shell, whatever characters it has. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

/** A command of a POSIX shell. */
export function quoteAll(words: readonly string[]): string {
  return words.map(quote).join(' ')
}
