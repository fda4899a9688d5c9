import { crypto } from '@sotto/protocol/crypto-backend'
import { toBase64, utf8, concat } from '@sotto/protocol/bytes'
import { proveConsistency } from '@sotto/protocol/merkle'
import { checkpointText, type NoteSigner, signNote } from '@sotto/protocol/note'
import { appendEntries, EMPTY_FRONTIER, rootOf } from '../../src/log/frontier.ts'

export const ORIGIN = 'log.example/test'
export const LOG_SIGNER: NoteSigner = { name: ORIGIN, secretSeed: crypto.sha256(utf8('log key')) }

/** A tree of `size` entries of one history; other histories are forks. */
export function treeOf(
  size: number,
  history = 'honest',
  signer: NoteSigner = LOG_SIGNER,
  origin: string = ORIGIN,
) {
  const { frontier, hashes } = appendEntries(
    EMPTY_FRONTIER,
    Array.from({ length: size }, (_, index) => utf8(`${history} ${index}`)),
  )
  const note = signNote(checkpointText({ origin, size, root: rootOf(frontier) }), signer)
  const prove = (oldSize: number): Promise<Uint8Array[]> =>
    proveConsistency(oldSize, size, async ({ level, index, width }) =>
      concat(
        ...hashes
          .filter((hash) => hash.level === level && Math.floor(hash.index / 256) === index)
          .slice(0, width)
          .map((hash) => hash.hash),
      ),
    )
  return {
    note,
    root: rootOf(frontier),
    prove,
    /** An add-checkpoint body from `oldSize`. */
    body: async (oldSize: number): Promise<string> => requestBody(oldSize, await prove(oldSize), note),
  }
}

export function requestBody(oldSize: number | string, proof: readonly Uint8Array[], note: string): string {
  return `old ${oldSize}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${note}`
}
