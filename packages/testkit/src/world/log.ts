import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { ProvenStatement } from '@sotto/protocol/evidence'
import {
  leafHash,
  nodeHash,
  proveConsistency,
  proveInclusion,
  rootFromTiles,
  type TileReader,
} from '@sotto/protocol/merkle'
import { TILE_WIDTH } from '@sotto/protocol/tile-path'
import { checkpointText, cosign, signNote, verifierKeyOf, type NoteSigner } from '@sotto/protocol/note'

/** A log and its witnesses, in memory. */
export interface FakeLog {
  readonly origin: string
  readonly key: string
  readonly witnessKeys: string[]
  readonly size: number
  append(envelope: Uint8Array): number
  /** A note over the newest (or an older) tree, cosigned by the first `witnesses` of them at `time`. */
  checkpoint(options: { time: number; size?: number; witnesses?: number }): Promise<string>
  /** A cosignature line of one witness over a checkpoint's text, of whichever log. */
  cosign(text: string, witness: number, time: number): string
  prove(envelope: Uint8Array, size?: number): Promise<ProvenStatement>
  consistency(from: number, to?: number): Promise<string[]>
  readonly readTile: TileReader
  /** Everything appended, in order. */
  readonly entries: readonly Uint8Array[]
  /** Another history after `size` entries, signed by the same log and witnesses: what must never be. */
  fork(size: number): FakeLog
}

/** A note signer with a fresh key. */
export function fakeNoteSigner(name: string): NoteSigner {
  return { name, secretSeed: crypto.ed25519.generate().seed }
}

/** A log of its own origin and keys. */
export function createFakeLog(origin = 'log.example/sotto-test', witnessCount = 2): FakeLog {
  const signer = fakeNoteSigner(origin)
  const witnesses = Array.from({ length: witnessCount }, (_, i) => fakeNoteSigner(`witness-${i}.example`))
  return logOf(signer, witnesses, [])
}

function logOf(signer: NoteSigner, witnesses: readonly NoteSigner[], entries: Uint8Array[]): FakeLog {
  const origin = signer.name
  const readTile: TileReader = async ({ level, index, width }) => {
    let hashes = entries.map(leafHash)
    for (let i = 0; i < level * 8; i++) {
      const above: Uint8Array[] = []
      for (let j = 0; j + 1 < hashes.length; j += 2) above.push(nodeHash(hashes[j]!, hashes[j + 1]!))
      hashes = above
    }
    return Uint8Array.from(
      hashes.slice(index * TILE_WIDTH, index * TILE_WIDTH + width).flatMap((hash) => [...hash]),
    )
  }
  return {
    origin,
    key: verifierKeyOf(signer, 'ed25519'),
    witnessKeys: witnesses.map((witness) => verifierKeyOf(witness, 'cosignature-v1')),
    get size() {
      return entries.length
    },
    append: (envelope) => entries.push(envelope) - 1,
    async checkpoint({ time, size = entries.length, witnesses: count = witnesses.length }) {
      const text = checkpointText({ origin, size, root: await rootFromTiles(size, readTile) })
      return (
        signNote(text, signer) +
        witnesses
          .slice(0, count)
          .map((witness) => cosign(text, witness, time))
          .join('')
      )
    },
    cosign: (text, witness, time) => cosign(text, witnesses[witness]!, time),
    async prove(envelope, size = entries.length) {
      const index = entries.findIndex((entry) => toHex(entry) === toHex(envelope))
      return {
        envelope: fromUtf8(envelope),
        index,
        proof: (await proveInclusion(index, size, readTile)).map(toHex),
      }
    },
    consistency: async (from, to = entries.length) => (await proveConsistency(from, to, readTile)).map(toHex),
    readTile,
    entries,
    fork: (size) => logOf(signer, witnesses, entries.slice(0, size)),
  }
}

/** Bytes of an envelope held as text. */
export function envelopeBytes(envelope: string): Uint8Array {
  return utf8(envelope)
}
