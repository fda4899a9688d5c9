import { openAsBlob } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dataContent, type RoomParty, sealData } from '@sotto/client/rooms'
import type { DataStatement, NamedContract } from '@sotto/protocol/contract'
import type { RunInputSource } from '../../packages/enclave/src/room/inputs/run-inputs.ts'
import type { BoardFiles } from '../../packages/enclave/src/room/index.ts'

/** Sealed files of a board as they lie in memory: what a network costs is not of a room. */
export class FolderBoard implements BoardFiles {
  readonly #files = new Map<string, FileHandle>()

  async add(digest: string, path: string): Promise<void> {
    this.#files.set(digest, await open(path))
  }

  async read(
    _access: unknown,
    digest: string,
    { start, length }: { start: number; length: number },
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    signal.throwIfAborted()
    const bytes = Buffer.allocUnsafeSlow(length)
    for (let at = 0; at < length;) {
      const { bytesRead } = await this.#files.get(digest)!.read(bytes, at, length - at, start + at)
      if (bytesRead === 0) throw new Error('the sealed file is shorter than its statement says')
      at += bytesRead
    }
    return bytes
  }

  write(): Promise<void> {
    return Promise.reject(new Error('no output of a measurement is put on a board'))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.close()))
  }
}

/** Seals a Parquet file as the owner of an input does. @returns what a run reads it with */
export async function sealTable(
  path: string,
  input: string,
  { party, named, board }: { party: RoomParty; named: NamedContract; board: FolderBoard },
): Promise<RunInputSource> {
  const stated = named.contract.inputs.find(({ name }) => name === input)!
  const files = { 'table.parquet': await openAsBlob(path) }
  const { columns } = stated
  const content = await dataContent('table', files, {
    party,
    contract: named.contract,
    ...(columns && { columns }),
  })
  const sealed = await sealData(content, party, { named, input, version: 1 })
  const file = await open(`${path}.sealed`, 'w')
  for await (const piece of sealed.read(0)) await file.writeFile(piece)
  await file.close()
  await board.add(sealed.digest, `${path}.sealed`)
  const statement: DataStatement = {
    format: 'sotto-contract-data/1',
    genesis: named.contract.genesis,
    contract: named.digest,
    input,
    artifact: sealed.id,
    sealed: sealed.digest,
    bytes: sealed.bytes,
    content: sealed.content,
    version: 1,
    at: named.contract.notBefore,
  }
  return { input: stated, statement, contentKey: party.contentKey(sealed.id) }
}
