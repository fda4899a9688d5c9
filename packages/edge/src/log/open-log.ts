import { equalBytes } from '@sotto/protocol/bytes'
import { type SottoError } from '@sotto/protocol/errors'
import { proveConsistency } from '@sotto/protocol/merkle'
import { concat } from '@sotto/protocol/bytes'
import {
  checkpointText,
  isSignedBy,
  type NoteSigner,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  signNote,
  verifierKeyOf,
} from '@sotto/protocol/note'
import type { App } from '@sotto/serve/errors'
import { edgeError } from '../errors.ts'
import { requireAppendToken } from './append-token.ts'
import { createLogApp } from './app.ts'
import { auditStore } from './audit.ts'
import { collectCosignatures } from './cosign.ts'
import { rootOf } from './frontier.ts'
import { type PublishedCheckpoint, type Publisher, startPublisher } from './publisher.ts'
import { createSequencer } from './sequencer.ts'
import type { LogStore } from './store.ts'
import type { WitnessClient } from './witness-client.ts'

/** Everything a running log is made of. */
export interface OpenLogOptions {
  origin: string
  signer: NoteSigner
  store: LogStore
  appendToken: string
  witnesses: readonly WitnessClient[]
  quorum: number
  batchMs: number
  refreshMs: number
  appendWaitMs: number
  /** First wait after a failed publication. Default 250 ms, doubled up to 8 s. */
  retryMs?: number
  /** Longest wait for a quorum. Default 5000 ms. */
  witnessTimeoutMs?: number
  onPublished?: (checkpoint: PublishedCheckpoint) => void
  onError?: (code: string) => void
}

/** A log that appends, publishes and answers. */
export interface RunningLog {
  app: App
  publisher: Publisher
  verifierKey: string
  close(): void
}

/** Entries waiting for one write at most. */
const MAX_WAITING = 4096
/** Stragglers among the witnesses get this long after the quorum. */
const GRACE_MS = 250

/**
 * Audits the whole store and starts the log on it.
 * @throws `STORE_CORRUPT`, `STORE_KEY_MISSING`, `LOG_FORKED` rather than sign a tree that contradicts an earlier one
 */
export function openLog(options: OpenLogOptions): RunningLog {
  const { origin, signer, store } = options
  const verifierKey = verifierKeyOf(signer, 'ed25519')
  const stored = readStored(store, origin, verifierKey)
  const { frontier, publishedRoot } = auditStore(store, stored?.size ?? 0)
  if (stored !== undefined && !equalBytes(stored.root, publishedRoot)) {
    throw edgeError('LOG_FORKED', 'the stored tree is not the one this log has published', {
      hint: 'Restore the newest store of this log.',
    })
  }
  const sequencer = createSequencer({
    store,
    frontier,
    batchMs: options.batchMs,
    maxWaiting: MAX_WAITING,
    onGrown: () => publisher.kick(),
  })
  const publisher = startPublisher({
    stored,
    store: (checkpoint) => store.writePublished(checkpoint.note),
    refreshMs: options.refreshMs,
    retryMs: options.retryMs ?? 250,
    cosignCurrent,
    ...(options.onPublished && { onPublished: options.onPublished }),
    onFailed: (error) => options.onError?.(codeOf(error)),
  })

  async function cosignCurrent(stop: AbortSignal): Promise<PublishedCheckpoint> {
    const size = sequencer.frontier.size
    const text = checkpointText({ origin, size, root: rootOf(sequencer.frontier) })
    const note = signNote(text, signer)
    const request = {
      size,
      note,
      proveFrom: (oldSize: number) => proveConsistency(oldSize, size, readTileFrom(store)),
    }
    const quorum = {
      witnesses: options.witnesses,
      quorum: options.quorum,
      timeoutMs: options.witnessTimeoutMs ?? 5000,
      graceMs: GRACE_MS,
    }
    return { note: note + (await collectCosignatures(request, quorum, stop)).join(''), size }
  }

  const authorize = requireAppendToken(options.appendToken)
  return {
    app: createLogApp({
      store,
      sequencer,
      publisher,
      verifierKey,
      authorize,
      appendWaitMs: options.appendWaitMs,
      ...(options.onError && { onError: options.onError }),
    }),
    publisher,
    verifierKey,
    close() {
      publisher.stop()
      store.close()
    },
  }
}

function readStored(
  store: LogStore,
  origin: string,
  verifierKey: string,
): (PublishedCheckpoint & { root: Uint8Array }) | undefined {
  const note = store.readPublished()
  if (note === undefined) return undefined
  const parsed = parseNote(note)
  const checkpoint = parseCheckpoint(parsed.text)
  if (checkpoint.origin !== origin)
    throw edgeError('STORE_CORRUPT', 'the store is of another log', {
      expected: origin,
      found: checkpoint.origin,
    })
  if (!isSignedBy(parsed, parseVerifierKey(verifierKey)))
    throw edgeError('STORE_KEY_MISSING', 'the key is not the one that signed the stored checkpoint')
  return { note, size: checkpoint.size, root: checkpoint.root }
}

function readTileFrom(
  store: LogStore,
): (tile: { level: number; index: number; width: number }) => Promise<Uint8Array> {
  return async ({ level, index, width }) => concat(...store.readHashes(level, index * 256, width))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? (error as SottoError).code : 'INTERNAL'
}
