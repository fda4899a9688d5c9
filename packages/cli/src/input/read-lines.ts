import { Writable } from 'node:stream'
import { createInterface } from 'node:readline'
import type { Io } from '../framework/index.ts'

/** Lines a person types, with editing and history. */
export interface LineReader {
  /** The next line; undefined at the end of input. Lines typed ahead are kept. */
  next(prompt: string): Promise<string | undefined>
  close(): void
}

/** Lines that arrow-up reaches. They are in memory only. */
const HISTORY_LINES = 100

/**
 * Reads lines from the terminal; prompts go to standard error. `onInterrupt` is called for Ctrl-C,
 * which the terminal hands to the line editor instead of sending SIGINT.
 */
export function readLines(io: Io, onInterrupt: () => void): LineReader {
  const output = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      void io.stderr.write(chunk)
      done()
    },
  })
  const editor = createInterface({
    input: io.stdin.stream,
    output: Object.assign(output, { columns: io.stderr.columns }),
    terminal: true,
    historySize: HISTORY_LINES,
  })
  const lines: string[] = []
  let ended = false
  let wake: () => void = () => {}
  editor.on('line', (line) => {
    lines.push(line)
    wake()
  })
  editor.on('close', () => {
    ended = true
    wake()
  })
  editor.on('SIGINT', onInterrupt)
  return {
    async next(prompt) {
      if (lines.length === 0 && !ended) {
        editor.setPrompt(prompt)
        editor.prompt()
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return lines.shift()
    },
    close: () => editor.close(),
  }
}
