import { readFileSync, readSync } from 'node:fs'
import { createHash, randomBytes } from 'node:crypto'
import { concat, toBase64Url } from '@sotto/protocol/bytes'
import type { DataStatement, Input, Rules } from '@sotto/protocol/contract'
import { encodeDataManifest, itemHeader, parseDataManifest } from '@sotto/protocol/room'
import { sealArtifact } from '@sotto/protocol/sealed'
import { afterEach, describe, expect, it } from 'vitest'
import type { BoardFiles } from '../../../src/room/board/board-files.ts'
import { type RunInputSource, RunInputs } from '../../../src/room/inputs/run-inputs.ts'

const CHUNK_BYTES = 65_536
const ACCESS = { board: '00'.repeat(32), token: 'A'.repeat(43) }
const NO_RULES: Rules = {
  receivers: ['bank'],
  forbidden: [],
  minContributors: 1,
  noisy: false,
  review: false,
}
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A board that counts who reads it at once, and may be told what to give. */
class Board implements BoardFiles {
  readonly files = new Map<string, Uint8Array>()
  readonly reading = new Set<string>()
  readonly signals: AbortSignal[] = []
  most = 0
  give: (file: Uint8Array, start: number, length: number) => Promise<Uint8Array> = async (
    file,
    start,
    length,
  ) => file.slice(start, start + length)

  async read(
    _: unknown,
    digest: string,
    { start, length }: { start: number; length: number },
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    this.signals.push(signal)
    this.reading.add(digest)
    this.most = Math.max(this.most, this.reading.size)
    await new Promise((resolve) => setTimeout(resolve, 2))
    try {
      return await this.give(this.files.get(digest)!, start, length)
    } finally {
      this.reading.delete(digest)
    }
  }

  write(): Promise<void> {
    return Promise.reject(new Error('nothing is written'))
  }
}

/** An input as its owner seals and states it. */
async function seal(
  board: Board,
  name: string,
  content: Uint8Array,
  over: { statement?: Partial<DataStatement>; sha256?: string; texts?: number } = {},
): Promise<RunInputSource> {
  const contentKey = randomBytes(32)
  const metadata = encodeDataManifest({
    format: 'sotto-room-data/1',
    salt: toBase64Url(randomBytes(32)),
    kind: over.texts === undefined ? 'table' : 'text',
    media: over.texts === undefined ? 'parquet' : 'text',
    items: over.texts ?? 1,
    bytes: content.length,
    sha256: over.sha256 ?? digestOf(content),
  })
  const { id, sealed } = sealArtifact({
    contentKey,
    plaintextBytes: content.length,
    source: [content],
    chunkBytes: CHUNK_BYTES,
    metadata,
  })
  const file = concat(...(await Array.fromAsync(sealed)))
  board.files.set(over.statement?.sealed ?? digestOf(file), file)
  const input: Input = {
    name,
    owner: 'bank',
    kind: over.texts === undefined ? 'table' : 'text',
    uses: [],
    rules: NO_RULES,
  }
  const statement: DataStatement = {
    format: 'sotto-contract-data/1',
    genesis: '22'.repeat(32),
    contract: '11'.repeat(32),
    input: name,
    artifact: id,
    sealed: digestOf(file),
    bytes: file.length,
    content: parseDataManifest(metadata).digest,
    version: 1,
    at: 1,
    ...over.statement,
  }
  return { input, statement, contentKey }
}

describe('the inputs of a run', () => {
  const opened: RunInputs[] = []
  afterEach(() => opened.splice(0).forEach((inputs) => inputs.close()))

  function open(
    board: Board,
    sources: readonly RunInputSource[],
    signal = new AbortController().signal,
  ): RunInputs {
    const inputs = new RunInputs({ sources, board, access: ACCESS, signal })
    opened.push(inputs)
    return inputs
  }

  it.each([0, 1, CHUNK_BYTES, 9 * CHUNK_BYTES + 5])(
    'are in memory as they were sealed: %i bytes',
    async (size) => {
      const board = new Board()
      const content = randomBytes(size)
      const inputs = open(board, [await seal(board, 'accounts', content)])
      const { file, manifest } = await inputs.file('accounts')
      expect(manifest.media).toBe('parquet')
      expect(file.bytes).toBe(size)
      expect(readFileSync(`/proc/self/fd/${file.fd}`).equals(content)).toBe(true)
    },
  )

  it('have a descriptor before anything is there, which nobody can write to', async () => {
    const board = new Board()
    const inputs = open(board, [await seal(board, 'accounts', randomBytes(100))])
    const { fd, whole } = inputs.begin('accounts')
    expect(readSync(fd, new Uint8Array(1), 0, 1, 0)).toBe(0)
    expect((await whole).file.fd).toBe(fd)
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))![1]!
    expect(parseInt(flags, 8) & 3).toBe(0)
  })

  it('are opened once, and two beside each other', async () => {
    const board = new Board()
    const contents = Array.from({ length: 5 }, () => randomBytes(3 * CHUNK_BYTES))
    const sources = await Promise.all(contents.map((content, at) => seal(board, `t${at}`, content)))
    const inputs = open(board, sources)
    const coming = contents.map((_, at) => inputs.begin(`t${at}`))
    expect(inputs.begin('t0')).toBe(coming[0])
    const files = await Promise.all(coming.map(({ whole }) => whole))
    for (const [at, { file }] of files.entries())
      expect(readFileSync(`/proc/self/fd/${file.fd}`).equals(contents[at]!)).toBe(true)
    expect(board.most).toBe(2)
    expect(board.signals).toHaveLength(5)
  })

  it('that fail do not stop the ones after them', async () => {
    const board = new Board()
    const content = randomBytes(10)
    const inputs = open(board, [
      await seal(board, 'bad', content, { sha256: '33'.repeat(32) }),
      await seal(board, 'worse', content, { sha256: '33'.repeat(32) }),
      await seal(board, 'good', content),
    ])
    const [bad, worse, good] = ['bad', 'worse', 'good'].map((name) => inputs.begin(name).whole)
    await expect(bad).rejects.toMatchObject({ code: 'ROOM_INPUT' })
    await expect(worse).rejects.toMatchObject({ code: 'ROOM_INPUT' })
    expect((await good!).file.bytes).toBe(10)
  })

  it.each([
    ['other content than its manifest says', { sha256: '33'.repeat(32) }],
    ['another manifest than its owner stated', { statement: { content: '33'.repeat(32) } }],
    ['another sealed file than its owner stated', { statement: { sealed: '33'.repeat(32) } }],
  ])('are refused with %s, and the last piece is never there', async (_, over) => {
    const board = new Board()
    const content = randomBytes(3 * CHUNK_BYTES)
    const inputs = open(board, [await seal(board, 'accounts', content, over)])
    const { fd, whole } = inputs.begin('accounts')
    await expect(whole).rejects.toMatchObject({ code: 'ROOM_INPUT' })
    expect(readFileSync(`/proc/self/fd/${fd}`).length).toBeLessThan(content.length)
  })

  it('are refused with a chunk that was altered', async () => {
    const board = new Board()
    const inputs = open(board, [await seal(board, 'accounts', randomBytes(6 * CHUNK_BYTES))])
    board.give = async (file, start, length) => {
      const range = file.slice(start, start + length)
      range[3 * CHUNK_BYTES]! ^= 1
      return range
    }
    await expect(inputs.file('accounts')).rejects.toMatchObject({ code: 'SEALED_TAMPERED' })
  })

  it('that nobody waits for any more are not fetched any more', async () => {
    const board = new Board()
    const inputs = open(board, [await seal(board, 'accounts', randomBytes(10))])
    board.give = () => new Promise(() => undefined)
    inputs.begin('accounts')
    await expect.poll(() => board.signals.length).toBe(1)
    inputs.close()
    expect(board.signals[0]!.aborted).toBe(true)
    expect(() => inputs.begin('accounts')).toThrow()
  })

  it('are read from memory as items, once they are there', async () => {
    const board = new Board()
    const items = [randomBytes(5), randomBytes(0), randomBytes(70_000)]
    const content = concat(...items.flatMap((item) => [itemHeader(item.length), item]))
    const inputs = open(board, [await seal(board, 'letters', content, { texts: items.length })])
    await inputs.file('letters')
    board.give = () => Promise.reject(new Error('nobody asks again'))
    expect((await inputs.items('letters')).map((item) => Buffer.from(item))).toEqual(items)
  })
})
