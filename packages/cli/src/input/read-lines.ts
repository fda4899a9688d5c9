import { createInterface, type Key } from 'node:readline'
import { Writable } from 'node:stream'
import type { Io } from '../framework/index.ts'
import { printableLine } from '../terminal/index.ts'

/** What a person types, with editing and history: a line, or several that belong together. */
export interface LineReader {
  /**
   * The next message; undefined at the end of input. A line that ends with a backslash goes on in the next one, and
   * pasted lines are one message. What is typed while nobody asks is kept, and shown once somebody does.
   */
  next(prompt: string): Promise<string | undefined>
  close(): void
}

/** Options of {@link readLines}. */
export interface LineReaderOptions {
  /** Ctrl-C, which the terminal hands to the line editor instead of sending SIGINT. At a prompt with text it only clears that. */
  onInterrupt(): void
  /** Ctrl-D while nobody asks. At a prompt it is the end of input. */
  onLeave?(): void
  /** What Tab makes of a line. */
  complete?(line: string): readonly string[]
}

/** Lines that arrow-up reaches. They are in memory only. */
const HISTORY_LINES = 100
const CONTINUED = '… '
const PASTE_ON = '\u001B[?2004h'
const PASTE_OFF = '\u001B[?2004l'

/** Reads from the terminal; prompts and what is typed show on standard error. */
export function readLines(io: Io, { onInterrupt, onLeave, complete }: LineReaderOptions): LineReader {
  const messages: string[] = []
  /** Lines of a message that is not complete. */
  let begun: string[] = []
  let isAsking = false
  let isPasting = false
  let ended = false
  let wake: () => void = () => {}
  const output = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      // Whoever answers has the terminal meanwhile.
      if (isAsking) void io.stderr.write(chunk)
      done()
    },
  })
  Object.defineProperty(output, 'columns', { get: () => io.stderr.columns })
  const editor = createInterface({
    input: io.stdin.stream,
    output,
    terminal: true,
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    ...(complete && { completer: (line: string) => [complete(line), line] }),
  })
  const marksPastes = io.stderr.isTerminal && io.env['TERM'] !== 'dumb'
  if (marksPastes) void io.stderr.write(PASTE_ON)

  function onKey(_text: string | undefined, key: Key): void {
    if (key.name === 'paste-start' || key.name === 'paste-end') isPasting = key.name === 'paste-start'
    else if (key.ctrl === true && key.name === 'd' && !isAsking && editor.line === '') onLeave?.()
  }
  io.stdin.stream.prependListener('keypress', onKey)

  editor.on('line', (line) => {
    const goesOn = line.endsWith('\\')
    begun.push(goesOn && !isPasting ? line.slice(0, -1) : line)
    if (isPasting || goesOn) {
      editor.setPrompt(CONTINUED)
      editor.prompt()
      return
    }
    messages.push(begun.join('\n'))
    begun = []
    // What came in the same moment is typed ahead.
    isAsking = false
    wake()
  })
  editor.on('close', () => {
    if (ended) return
    ended = true
    io.stdin.stream.removeListener('keypress', onKey)
    if (marksPastes) void io.stderr.write(PASTE_OFF)
    wake()
  })
  editor.on('SIGINT', () => {
    if (!isAsking || (editor.line === '' && begun.length === 0)) return onInterrupt()
    void io.stderr.write('^C\n')
    begun = []
    editor.write(null, { ctrl: true, name: 'e' })
    editor.write(null, { ctrl: true, name: 'u' })
    wake()
  })

  return {
    async next(prompt) {
      const typedAhead = messages.shift()
      if (typedAhead !== undefined) {
        void io.stderr.write(`${prompt}${printableLine(typedAhead)}\n`)
        return typedAhead
      }
      isAsking = true
      while (messages.length === 0 && !ended) {
        editor.setPrompt(begun.length === 0 ? prompt : CONTINUED)
        editor.prompt(true)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      isAsking = false
      return messages.shift()
    },
    close: () => editor.close(),
  }
}
