/** What people are offered; a model may know fewer, and says so. */
const CODES = 'ar cs da de el en es fi fr he hi hu id it ja ko nl no pl pt ro ru sv th tr uk vi zh'.split(' ')

/** Languages by ISO 639-1, in the words of the reader, in their order. */
export function languages(): [code: string, name: string][] {
  const names = new Intl.DisplayNames(undefined, { type: 'language' })
  return CODES.map((code): [string, string] => [code, names.of(code) ?? code]).toSorted(([, a], [, b]) =>
    a.localeCompare(b),
  )
}
