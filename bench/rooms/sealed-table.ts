import { openAsBlob } from 'node:fs'
import { dataContent, type RoomParty, sealData } from '@sotto/client/rooms'
import type { DataStatement, NamedContract } from '@sotto/protocol/contract'
import type { RunInputSource } from '../../packages/enclave/src/room/inputs/run-inputs.ts'
import type { BoardFiles } from '../../packages/enclave/src/room/index.ts'

/** Sealed files of a board that are here already: what a network costs is not of a room. */
export class NearBoard implements BoardFiles {
  readonly #files = new Map<string, Uint8Array>()

  add(digest: string, file: Uint8Array): void {
    this.#files.set(digest, file)
  }

  read(
    _access: unknown,
    digest: string,
    { start, length }: { start: number; length: number },
  ): Promise<Uint8Array> {
    return Promise.resolve(this.#files.get(digest)!.subarray(start, start + length))
  }

  write(): Promise<void> {
    return Promise.reject(new Error('no output of a measurement is put on a board'))
  }
}

/** Seals a Parquet file as the owner of an input does. @returns what a run reads it with */
export async function sealTable(
  path: string,
  input: string,
  { party, named, board }: { party: RoomParty; named: NamedContract; board: NearBoard },
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
  const file = new Uint8Array(sealed.bytes)
  let at = 0
  for await (const piece of sealed.read(0)) {
    file.set(piece, at)
    at += piece.length
  }
  board.add(sealed.digest, file)
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
