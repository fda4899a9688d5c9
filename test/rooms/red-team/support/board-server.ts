import type { BoardFile } from '@sotto/protocol/room'
import { type BoardFiles, createBoardFiles } from '../../../../packages/enclave/src/room/index.ts'

/** A board over HTTP that an attacker keeps: it gives what it likes, and takes what it is given. */
export class BoardServer {
  readonly files = new Map<string, Uint8Array>()
  /** Sealed files that the room put there, whole. */
  readonly written: Uint8Array[] = []
  /** What it answers in the place of a range of a file; undefined: the truth. */
  lie: ((range: { start: number; length: number }, digest: string) => Response | undefined) | undefined
  /** Told before each reading. */
  onRead: (() => Promise<void> | void) | undefined
  readonly #uploads = new Map<string, { bytes: number; parts: Uint8Array[] }>()

  /** What the room reads and writes with: the program's own client of boards. */
  client(): BoardFiles {
    return createBoardFiles('http://board.test', (input, init) => this.#answer(new Request(input, init)))
  }

  async #answer(request: Request): Promise<Response> {
    const digest = new URL(request.url).pathname.split('/')[5]
    if (request.method === 'GET') return this.#read(digest!, request.headers.get('range')!)
    if (request.method === 'POST') {
      const asked = (await request.json()) as { digest: string; bytes: number }
      if (!this.#uploads.has(asked.digest)) this.#uploads.set(asked.digest, { bytes: asked.bytes, parts: [] })
      return this.#state(asked.digest)
    }
    const { parts } = this.#uploads.get(digest!)!
    parts.push(new Uint8Array(await request.arrayBuffer()))
    return this.#state(digest!)
  }

  async #read(digest: string, range: string): Promise<Response> {
    await this.onRead?.()
    const [first, last] = range.slice('bytes='.length).split('-').map(Number)
    const asked = { start: first!, length: last! - first! + 1 }
    const lie = this.lie?.(asked, digest)
    if (lie !== undefined) return lie
    const file = this.files.get(digest)
    return file === undefined ? new Response(null, { status: 404 }) : partOf(file, asked)
  }

  #state(digest: string): Response {
    const { bytes, parts } = this.#uploads.get(digest)!
    const offset = parts.reduce((sum, part) => sum + part.length, 0)
    const state: BoardFile = { digest, bytes, offset, complete: offset === bytes }
    if (state.complete && !this.files.has(digest)) {
      const file = new Uint8Array(Buffer.concat(parts))
      this.written.push(file)
      this.files.set(digest, file)
    }
    return Response.json(state)
  }
}

/** A part of a file, as a board answers a range. */
export function partOf(file: Uint8Array, { start, length }: { start: number; length: number }): Response {
  return new Response(file.slice(start, start + length), { status: 206 })
}
