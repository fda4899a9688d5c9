const MARK = 'data: [DONE]'

/** Notices the end mark of an OpenAI event stream. */
export interface DoneMark {
  readonly seen: boolean
  update(bytes: Uint8Array): void
}

/**
 * SDKs leave an event stream at `data: [DONE]`, a moment before its verified end and its receipt. A
 * reader who leaves after the mark wanted all of it; one who leaves before did not.
 */
export function doneMark(contentType: string): DoneMark {
  if (!contentType.startsWith('text/event-stream')) return { seen: false, update: () => {} }
  let tail = ''
  let seen = false
  return {
    get seen() {
      return seen
    },
    update(bytes) {
      const text = tail + asciiOf(bytes)
      seen ||= text.includes(MARK)
      tail = text.slice(1 - MARK.length)
    },
  }
}

/** One character per byte: the mark is ASCII, and a character cut in two must not matter. */
function asciiOf(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes)
}
