/** A text that stands in a prompt, and whether between quotes of JSON. */
interface Marked {
  readonly text: string
  readonly isJson: boolean
}

/** A stretch of a prompt: of the template, whose special tokens count, or of a message, whose words are only words. */
export interface PromptPart {
  readonly text: string
  readonly isTemplate: boolean
}

/**
 * Puts marks in place of what people say, for a template to render, and cuts what it rendered at the marks. The marks
 * are in a private-use plane.
 */
export class Marks {
  private readonly marked: Marked[] = []

  /** A mark in place of a text that is rendered as it is. */
  text(text: string): string {
    return this.mark({ text, isJson: false })
  }

  /** The same value with marks in place of its texts. Keys stay: see {@link textsOf}. */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.mark({ text: value, isJson: true })
    if (Array.isArray(value)) return value.map((item) => this.value(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.value(item)]))
  }

  cut(rendered: string): PromptPart[] {
    const parts: PromptPart[] = []
    let at = 0
    for (const match of rendered.matchAll(/\u{F0000}(\d+)\u{F0001}/gu)) {
      parts.push({ text: rendered.slice(at, match.index), isTemplate: true })
      const { text, isJson } = this.marked[Number(match[1])] ?? { text: '', isJson: false }
      parts.push({ text: isJson ? JSON.stringify(text).slice(1, -1) : text, isTemplate: false })
      at = match.index + match[0].length
    }
    parts.push({ text: rendered.slice(at), isTemplate: true })
    return parts.filter((part) => part.text !== '')
  }

  private mark(marked: Marked): string {
    return `\u{F0000}${this.marked.push(marked) - 1}\u{F0001}`
  }
}

/** Keys and texts of a value, apart: keys cannot be marked. */
export function textsOf(value: unknown): { keys: string[]; texts: string[] } {
  if (typeof value === 'string') return { keys: [], texts: [value] }
  if (typeof value !== 'object' || value === null) return { keys: [], texts: [] }
  const inner = Object.values(value).map((item) => textsOf(item))
  return {
    keys: [...(Array.isArray(value) ? [] : Object.keys(value)), ...inner.flatMap(({ keys }) => keys)],
    texts: inner.flatMap(({ texts }) => texts),
  }
}
