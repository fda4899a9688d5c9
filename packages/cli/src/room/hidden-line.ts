import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { cliError } from '../errors.ts'
import type { Io } from '../framework/index.ts'

/**
 * Asks on a terminal for one line that is shown nowhere.
 * @param prompt on standard error
 * @param maxBytes longest line, UTF-8
 * @throws `CLI_STDIN` there is no terminal to ask on, nothing was typed, or too much; `CLI_CANCELLED` Ctrl-C
 */
export async function readHiddenLine(io: Io, prompt: string, maxBytes: number): Promise<string> {
  if (!io.stderr.isTerminal)
    throw cliError('CLI_STDIN', 'there is no terminal to ask on', { hint: 'give it as a file: < FILE' })
  void io.stderr.write(prompt)
  // As a terminal, the line editor takes over the echo, and writes it nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const editor = createInterface({ input: io.stdin.stream, output: nowhere, terminal: true, historySize: 0 })
  try {
    return await new Promise<string>((resolve, reject) => {
      const stop = (): void => reject(cliError('CLI_CANCELLED', 'nothing was given'))
      editor.once('SIGINT', stop)
      io.signal.addEventListener('abort', stop, { once: true })
      if (io.signal.aborted) stop()
      editor.once('close', () =>
        reject(cliError('CLI_STDIN', 'standard input ended before a line was given')),
      )
      editor.once('line', (line) => {
        if (Buffer.byteLength(line) <= maxBytes) return resolve(line)
        reject(cliError('CLI_STDIN', 'the line is too long', { expected: `at most ${maxBytes} bytes` }))
      })
    })
  } finally {
    editor.close()
    void io.stderr.write('\n')
  }
}
