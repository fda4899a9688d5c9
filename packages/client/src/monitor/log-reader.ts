import { concat, fromUtf8 } from '@sotto/protocol/bytes'
import {
  leafHash,
  merkleError,
  proveInclusion,
  verifyInclusion,
  type TileReader,
} from '@sotto/protocol/merkle'
import { entryBundlePath, TILE_WIDTH, tilePath } from '@sotto/protocol/tile-path'
import { clientError } from '../errors.ts'
import { readBounded } from '../streams.ts'
import { OUTER_HEADERS, OUTER_INIT } from '../trust/index.ts'

/** Longest note, as `parseNote` takes it. */
const MAX_NOTE_BYTES = 65_536
const HASH_BYTES = 32
/** One bundle: 256 entries, each with a two-byte length (C2SP tlog-tiles, "Log Entries"). */
const MAX_BUNDLE_BYTES: number = TILE_WIDTH * (2 + 65_535)
/** How long the log may take for one answer, milliseconds. */
const TIMEOUT_MS = 30_000

/** A tree: what a verified checkpoint commits to. */
export interface Tree {
  size: number
  root: Uint8Array
}

/** Reads a log (C2SP tlog-tiles). Whoever answers is untrusted: only what is proven under a tree counts. */
export interface LogReader {
  /** The newest note, as it is served. @throws `LOG_UNREADABLE` */
  checkpoint(): Promise<string>
  /** Tiles of hashes, unproven. @throws `LOG_UNREADABLE`; `MERKLE_TILE` where the log says it has no such tile */
  readTile: TileReader
  /**
   * The entries of bundle `index`, each proven to be in the tree: at most 256, 16 MiB.
   * @throws `LOG_UNREADABLE`; `MERKLE_INCLUSION`, `MERKLE_TILE` where they are not there, or not what the root commits to
   */
  bundle(index: number, tree: Tree): Promise<Uint8Array[]>
}

/** @param log monitoring prefix: `/checkpoint` and `/tile/…` are appended */
export function createLogReader(log: URL, fetch: typeof globalThis.fetch, signal?: AbortSignal): LogReader {
  const prefix = log.pathname.replace(/\/+$/, '')

  /** Undefined: the log has no such path. */
  async function read(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const response = await fetch(new URL(`${prefix}/${path}`, log), {
        ...OUTER_INIT,
        headers: { ...OUTER_HEADERS },
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      if (response.status === 404) {
        await response.body?.cancel()
        return undefined
      }
      const bytes = response.status === 200 ? await readBounded(response.body, maxBytes) : undefined
      if (bytes === undefined) throw new Error(`status ${response.status} or too long`)
      return bytes
    } catch (cause) {
      signal?.throwIfAborted()
      throw clientError('LOG_UNREADABLE', 'the log does not answer', { found: path, cause })
    }
  }

  /** Static files that a signed tree is made of are there before it is signed: this is no matter of waiting. */
  function missing(path: string): Error {
    return merkleError('MERKLE_TILE', `the log does not serve ${path} of its tree`)
  }

  const readTile: TileReader = async (tile) => {
    const path = tilePath(tile)
    const max = TILE_WIDTH * HASH_BYTES
    // A partial tile may be gone once the full one exists.
    const bytes = (await read(path, max)) ?? (await read(tilePath({ ...tile, width: TILE_WIDTH }), max))
    if (bytes === undefined) throw missing(path)
    return bytes.subarray(0, tile.width * HASH_BYTES)
  }

  return {
    readTile,
    async checkpoint() {
      const bytes = await read('checkpoint', MAX_NOTE_BYTES)
      if (bytes === undefined) throw clientError('LOG_UNREADABLE', 'the log serves no checkpoint')
      try {
        return fromUtf8(bytes)
      } catch (cause) {
        throw clientError('LOG_UNREADABLE', 'the checkpoint is not text', { cause })
      }
    },
    async bundle(index, tree) {
      const first = index * TILE_WIDTH
      const width = Math.min(TILE_WIDTH, tree.size - first)
      const path = entryBundlePath(index, width)
      const bytes =
        (await read(path, MAX_BUNDLE_BYTES)) ??
        (await read(entryBundlePath(index, TILE_WIDTH), MAX_BUNDLE_BYTES))
      if (bytes === undefined) throw missing(path)
      const entries = splitBundle(bytes).slice(0, width)
      if (entries.length !== width) throw merkleError('MERKLE_TILE', 'an entry bundle is too short')
      const leaves = entries.map(leafHash)
      // Every leaf of the bundle takes part in the proof of its first one, so one proof covers them all.
      const readOwn: TileReader = (tile) =>
        tile.level === 0 && tile.index === index ? Promise.resolve(concat(...leaves)) : readTile(tile)
      const proof = await proveInclusion(first, tree.size, readOwn)
      verifyInclusion(leaves[0]!, first, tree.size, proof, tree.root)
      return entries
    },
  }
}

function splitBundle(bytes: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
    const end = at + 2 + length
    if (end > bytes.length) throw merkleError('MERKLE_TILE', 'an entry bundle is cut')
    entries.push(bytes.subarray(at + 2, end))
    at = end
  }
  return entries
}
