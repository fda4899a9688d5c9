import { createHash, randomBytes } from 'node:crypto'
import { concat, toBase64Url } from '@sotto/protocol/bytes'
import type { DataStatement, Input, Rules } from '@sotto/protocol/contract'
import { type DataManifest, encodeDataManifest, parseDataManifest } from '@sotto/protocol/room'
import { sealArtifact } from '@sotto/protocol/sealed'
import type { BoardFiles } from '../../../src/room/board/board-files.ts'

export const NO_RULES: Rules = {
  receivers: ['bank', 'shop'],
  forbidden: [],
  minContributors: 1,
  noisy: false,
  review: false,
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Sealed files of a room, in memory. */
export class MemoryBoard implements BoardFiles {
  readonly files = new Map<string, Uint8Array>()

  async read(
    _: unknown,
    digest: string,
    { start, length }: { start: number; length: number },
  ): Promise<Uint8Array> {
    return this.files.get(digest)!.slice(start, start + length)
  }

  write(): Promise<void> {
    return Promise.reject(new Error('nothing is written'))
  }
}

/** An input of a run, as its owner brought it. */
export interface SealedInput {
  readonly statement: DataStatement
  readonly contentKey: Uint8Array
}

/** Seals an input onto a board, as its owner does. */
export async function sealInput(
  board: MemoryBoard,
  { name, kind }: Pick<Input, 'name' | 'kind'>,
  content: Uint8Array,
  over: Pick<DataManifest, 'media'> & Partial<DataManifest>,
): Promise<SealedInput> {
  const contentKey = randomBytes(32)
  const metadata = encodeDataManifest({
    format: 'sotto-room-data/1',
    salt: toBase64Url(randomBytes(32)),
    kind,
    items: 1,
    bytes: content.length,
    sha256: digestOf(content),
    ...over,
  })
  const { id, sealed } = sealArtifact({
    contentKey,
    plaintextBytes: content.length,
    source: [content],
    metadata,
  })
  const file = concat(...(await Array.fromAsync(sealed)))
  board.files.set(digestOf(file), file)
  return {
    contentKey,
    statement: {
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
    },
  }
}
