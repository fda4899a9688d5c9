/** References that are followed in one file. */
const MAX_REFERENCES = 64
/** Attributes by which HTML loads, and specifiers and names by which scripts do. */
const IN_HTML = /\b(?:src|href|data|action|poster)\s*=\s*["']?([^"'\s>]{1,512})/gi
const IN_SCRIPT = /["'`](\.{1,2}\/[\w./-]{1,256})["'`]/g

/**
 * What a file that is not what it should be may load: names below the folder, and whole addresses elsewhere. A look, and no
 * proof: a script can make up any name. That the file is another one is what counts.
 *
 * @param base address of the folder
 */
export function referencesOf(name: string, bytes: Uint8Array, base: URL): string[] {
  const isHtml = name.endsWith('.html')
  if (!isHtml && !name.endsWith('.js')) return []
  const text = Buffer.from(bytes).toString('latin1')
  const found = new Set<string>()
  for (const [, reference] of text.matchAll(isHtml ? IN_HTML : IN_SCRIPT)) {
    const url = URL.parse(reference!, base)
    if (url === null || !/^https?:$/.test(url.protocol)) continue
    url.hash = ''
    found.add(url.href.startsWith(base.href) ? url.href.slice(base.href.length) : url.href)
    if (found.size === MAX_REFERENCES) break
  }
  found.delete('')
  return [...found]
}
