/**
 * What can move the cursor, hide text or turn it around: control characters but tab and newline, format
 * characters (bidi controls, zero-width ones, tags and what is reserved among them), the separators that some terminals begin a line at, and halves
 * of characters. No escape sequence is without one of them, in its 7-bit form or its 8-bit one, so none has to be
 * recognised.
 */
const UNPRINTABLE = /[^\P{Cc}\t\n]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u2065\u{E0000}-\u{E00FF}\u{E01F0}-\u{E0FFF}]/gu
/** They join or part the letters beside them: Persian and emoji are not written without. */
const JOINERS: ReadonlySet<string> = new Set(['\u200C', '\u200D'])

/**
 * Replaces what is not for printing. The operator controls names and messages it sends; on a terminal an
 * escape sequence in them could draw a green tick over a red cross, and U+202E turns what follows around.
 */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(UNPRINTABLE, (character) => (JOINERS.has(character) ? character : '\uFFFD'))
}

/** {@link printable} on one line, joiners too: no text from outside may start a line of its own, or pass for another name. */
export function printableLine(text: string): string {
  return text.replace(UNPRINTABLE, '\uFFFD').replaceAll(/[\t\n]/g, ' ')
}

/** The colours of `createStyle`, and no other sequence. */
// oxlint-disable-next-line no-control-regex
const OWN_COLOURS = /(\u001B\[(?:[12]|22|3[123]|39)m)/

/**
 * A line of ours, with our colours in it. Whoever made it has put what is not ours through {@link printableLine}; where
 * somebody forgot, this is what still keeps it from steering the terminal.
 */
export function printableStyled(line: string): string {
  return line
    .split(OWN_COLOURS)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join('')
}

/** JSON that says the same to a program, and moves no cursor where a person looks at it. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNPRINTABLE, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** A text on its way to a terminal in pieces, which may be cut anywhere. */
export interface PrintableStream {
  push(piece: string): string
  /** What was held back until more of it is known. */
  end(): string
}

/** What does not say yet what it is: half of a character, and what may be the first half of a Windows newline. */
const UNDECIDED = /[\r\uD800-\uDBFF]$/

/** {@link printable} of the text that the pieces make together. */
export function createPrintableStream(): PrintableStream {
  let held = ''
  return {
    push(piece) {
      const text = held + piece
      held = UNDECIDED.exec(text)?.[0] ?? ''
      return printable(text.slice(0, text.length - held.length))
    },
    end() {
      const rest = printable(held)
      held = ''
      return rest
    },
  }
}
