import { escapeHtml } from './escape.ts'
import { highlight } from './highlight.ts'

const TEXT = /\.(ts|mts|mjs|js|svelte|css|html|json|svg|sh|py|sql|txt|yml|yaml)$|(^|\/)[A-Z_]+$/

/** Whether a file of the repository is one that people read. */
export function isText(file: string): boolean {
  return TEXT.test(file)
}

/** A file of the repository, as it is. */
export function sourceBody(file: string, text: string): string {
  const language = file.slice(file.lastIndexOf('.') + 1)
  const code = highlight(text, language === 'py' ? 'python' : language)
  return `<h1 class="path">${escapeHtml(file)}</h1>\n<pre tabindex="0"><code>${code}</code></pre>\n`
}

/** The names in a folder; those with an address are links. */
export function folderBody(
  names: readonly string[],
  addressOf: (name: string) => string | undefined,
): string {
  const items = names.map((name) => {
    const address = addressOf(name)
    const words = escapeHtml(name)
    return `<li>${address === undefined ? words : `<a href="${escapeHtml(address)}">${words}</a>`}</li>`
  })
  return `<ul class="files">\n${items.join('\n')}\n</ul>\n`
}
