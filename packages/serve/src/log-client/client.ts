import { SottoError } from '@sotto/protocol/errors'
import type { TreeProver } from '@sotto/protocol/evidence'
import {
  leafHash,
  proveConsistency,
  proveInclusion,
  verifyConsistency,
  verifyInclusion,
} from '@sotto/protocol/merkle'
import { TILE_WIDTH } from '@sotto/protocol/tile-path'
import { type VerifiedCheckpoint, verifyCheckpoint } from '@sotto/protocol/note'
import { serveError } from '../errors/index.ts'
import { type LogTransport, readLog, sendEntry } from './http.ts'
import { readBundle, tileReader } from './tiles.ts'

/** Which log, and how it is reached. */
export interface LogClientOptions {
  /** Base URL of the log; `/log/checkpoint` and the rest are appended. */
  url: string
  /** Origin line of its checkpoints. */
  origin: string
  /** C2SP verifier key of the log. */
  key: string
  witnesses: { keys: readonly string[]; quorum: number }
  /** Bearer token for appends; readers need none. */
  appendToken?: string
  /** The newest tree verified in an earlier life: a log that contradicts it is refused. */
  lastSeen?: Tree
  fetch?: typeof fetch
  /** Bound of one read, default 10000; an append gets six times as long. */
  timeoutMs?: number
}

/** A tree of the log. */
export interface Tree {
  size: number
  root: Uint8Array
}

/** A checkpoint proven to carry log key and witness quorum, with its note. */
export interface WitnessedCheckpoint extends VerifiedCheckpoint {
  /** The whole signed note. */
  note: string
}

/** A logged entry and a checkpoint that provably contains it. */
export interface ProvenEntry {
  index: number
  checkpoint: WitnessedCheckpoint
  /** RFC 6962 inclusion proof under `checkpoint`. */
  proof: Uint8Array[]
}

/**
 * A reader and writer of one transparency log that believes nothing it cannot check: log key,
 * witness quorum, inclusion and consistency with everything seen before. Calls may run concurrently.
 * Every method throws `LOG_UNREACHABLE` (retry) or `LOG_INVALID` (stop: the log contradicts itself).
 */
export interface LogClient {
  /** The newest checkpoint; it extends {@link lastSeen} and becomes it. */
  latest(): Promise<WitnessedCheckpoint>
  /** A note somebody else brought: log key and quorum are checked, its place in the tree is not. */
  verifyNote(note: string): WitnessedCheckpoint
  /**
   * Appends an entry (the same bytes again give the same index) and proves that it is in.
   * Returns only when a witnessed checkpoint contains it. Also throws `LOG_REFUSED`.
   */
  append(entry: Uint8Array): Promise<ProvenEntry>
  /** Proof that `entry` is at `index` of `tree`, already verified. */
  proveInclusion(entry: Uint8Array, index: number, tree: Tree): Promise<Uint8Array[]>
  /** Proof that `newer` extends `older`, already verified. */
  proveConsistency(older: Tree, newer: Tree): Promise<Uint8Array[]>
  /** Entries `from` (included) to `to` (excluded) of `tree`, each proven to be in it, in order. */
  entries(from: number, to: number, tree: Tree): AsyncGenerator<{ index: number; entry: Uint8Array }>
  /** Both kinds of proof under one tree, already verified: for composing trust bundles. */
  prover(tree: Tree): TreeProver
  /** The newest tree this client has verified. */
  readonly lastSeen: Tree | undefined
}

const MAX_NOTE_BYTES = 65_536

/** Makes a {@link LogClient}. */
export function createLogClient(options: LogClientOptions): LogClient {
  const log: LogTransport = {
    url: options.url.replace(/\/+$/, ''),
    fetch: options.fetch ?? fetch,
    timeoutMs: options.timeoutMs ?? 10_000,
    ...(options.appendToken !== undefined && { appendToken: options.appendToken }),
  }
  const readTile = tileReader(log)
  let lastSeen = options.lastSeen
  let line: Promise<unknown> = Promise.resolve()

  function verifyNote(note: string): WitnessedCheckpoint {
    const verified = verifyCheckpoint(note, {
      origin: options.origin,
      logKey: options.key,
      witnessKeys: options.witnesses.keys,
      quorum: options.witnesses.quorum,
    })
    return { ...verified, note }
  }

  async function consistency(older: Tree, newer: Tree): Promise<Uint8Array[]> {
    const proof = await proveConsistency(older.size, newer.size, readTile)
    verifyConsistency(older.size, older.root, newer.size, newer.root, proof)
    return proof
  }

  /** Every tree extends the empty one: there is nothing to prove, and no proof of it. */
  async function requireGrowth(older: Tree, newer: Tree): Promise<void> {
    if (older.size > 0 || newer.size === 0) await consistency(older, newer)
  }

  async function inclusion(entry: Uint8Array, index: number, tree: Tree): Promise<Uint8Array[]> {
    const proof = await proveInclusion(index, tree.size, readTile)
    verifyInclusion(leafHash(entry), index, tree.size, proof, tree.root)
    return proof
  }

  /** One at a time: two answers must be compared with each other, not both with an older one. */
  async function fetchLatest(): Promise<WitnessedCheckpoint> {
    const bytes = await readLog(log, 'checkpoint', MAX_NOTE_BYTES)
    if (bytes === undefined) throw serveError('LOG_UNREACHABLE', 'the log has no checkpoint yet')
    const checkpoint = verifyNote(new TextDecoder().decode(bytes))
    if (lastSeen !== undefined && checkpoint.size < lastSeen.size) {
      await requireGrowth(checkpoint, lastSeen)
      throw serveError('LOG_UNREACHABLE', 'the log serves an old checkpoint')
    }
    if (lastSeen !== undefined) await requireGrowth(lastSeen, checkpoint)
    lastSeen = { size: checkpoint.size, root: checkpoint.root }
    return checkpoint
  }

  async function latest(): Promise<WitnessedCheckpoint> {
    const turn = line.then(fetchLatest)
    line = turn.catch(() => undefined)
    return turn
  }

  return {
    latest: () => judged(latest),
    verifyNote,
    proveInclusion: (entry, index, tree) => judged(() => inclusion(entry, index, tree)),
    proveConsistency: (older, newer) => judged(() => consistency(older, newer)),
    append: (entry) =>
      judged(async () => {
        const index = await sendEntry(log, entry)
        const checkpoint = await latest()
        if (checkpoint.size <= index)
          throw serveError('LOG_UNREACHABLE', 'the log has not published the entry yet')
        return { index, checkpoint, proof: await inclusion(entry, index, checkpoint) }
      }),
    async *entries(from, to, tree) {
      const end = Math.min(to, tree.size)
      for (let next = from; next < end;) {
        const bundle = Math.floor(next / TILE_WIDTH)
        const entries = await judged(() => readBundle(log, bundle, tree))
        for (; next < end && next < (bundle + 1) * TILE_WIDTH; next++) {
          yield { index: next, entry: entries[next - bundle * TILE_WIDTH]! }
        }
      }
    },
    prover: (tree) => ({
      inclusion: (entry, index) => judged(() => inclusion(entry, index, tree)),
      consistency: (older) => judged(() => consistency(older, tree)),
    }),
    get lastSeen() {
      return lastSeen
    },
  }
}

/** Whatever a check refuses becomes `LOG_INVALID`; a missing quorum may still come. */
async function judged<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof SottoError) || cause.code.startsWith('LOG_')) throw cause
    if (cause.code === 'NOTE_QUORUM') {
      throw serveError('LOG_UNREACHABLE', 'too few witnesses cosigned the newest checkpoint', { cause })
    }
    throw serveError('LOG_INVALID', 'the log contradicts its own signed tree', { cause, found: cause.code })
  }
}
