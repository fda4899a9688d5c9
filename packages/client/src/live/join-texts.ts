import type { LiveEvent } from './types.ts'

/** Texts of the parts of a recording, as those of one. */
export interface JoinedTexts {
  /** Text of all parts that are done. */
  readonly all: string
  /** Whether the text of the part that is being read is complete. */
  readonly isDone: boolean
  /** The next part begins, so many seconds after the start of the recording. */
  begin(offset: number): void
  /** An event as one of the whole recording; undefined for the end of a part. */
  take(event: LiveEvent): LiveEvent | undefined
}

/** Starts without a text. Words of two parts do not run together. */
export function joinTexts(): JoinedTexts {
  let all = ''
  let isDone = false
  let offset = 0
  /** What stands before the first word of this part; undefined before that. */
  let between: string | undefined

  function gapBefore(text: string): string {
    if (between !== undefined || text === '') return ''
    between = all === '' || /\s$/.test(all) || /^\s/.test(text) ? '' : ' '
    return between
  }
  return {
    get all() {
      return all
    },
    get isDone() {
      return isDone
    },
    begin(at) {
      offset = at
      between = undefined
      isDone = false
    },
    take(event) {
      if (event.type === 'segment') return { ...event, start: offset + event.start, end: offset + event.end }
      if (event.type === 'delta') return { type: 'delta', text: gapBefore(event.text) + event.text }
      const head = between ?? gapBefore(event.text)
      all += head + event.text
      isDone = true
      return undefined
    },
  }
}
