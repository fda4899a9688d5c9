import { createPrintableStream } from './printable.ts'
import type { Sink } from './sink.ts'

/** An answer, a transcript, a summary: what others wrote, on its way to standard output. */
export interface ForeignText {
  /** The next piece of it. Resolves when the reader has room again. */
  write(piece: string): Promise<void>
  /** Ends the line it began, if it did. */
  end(): Promise<void>
}

/**
 * The one door for content. People get it without what could steer their terminal, however it is cut into pieces; a
 * pipe or a file gets it as it is (`isData`), because that is what was asked for.
 */
export function createForeignText(sink: Sink, { isData }: { isData: boolean }): ForeignText {
  const stream = isData ? { push: (piece: string) => piece, end: () => '' } : createPrintableStream()
  let last = '\n'
  const put = async (text: string): Promise<void> => {
    if (text === '') return
    last = text.at(-1)!
    await sink.write(text)
  }
  return {
    write: (piece) => put(stream.push(piece)),
    async end() {
      await put(stream.end())
      if (last !== '\n') await put('\n')
    },
  }
}
