import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import { canonicalJson } from '@sotto/protocol/jcs'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { parseCheckpoint, parseNote, type Checkpoint } from '@sotto/protocol/note'
import { TILE_WIDTH } from '@sotto/protocol/tile-path'
import { judgeCheckpoint } from './checkpoint.ts'
import { relate, type SplitView } from './contradiction.ts'
import type { LogReader } from './log-reader.ts'
import type { Alert, Expectations, FollowedLog, MonitorStore } from './types.ts'
import {
  emptyState,
  MAX_CONTRADICTIONS,
  MAX_UNDECIDED,
  parseState,
  type MonitorState,
} from './watch/state.ts'
import { judgeEntry } from './watch/judge.ts'

/** Everything a monitor is made of. */
export interface MonitorOptions {
  log: FollowedLog
  expect: Expectations
  reader: LogReader
  store: MonitorStore
  /** Unix seconds. */
  now: () => number
  /** Told every alert before the state moves past it: after a crash it may come twice, never not at all. */
  onAlert: (alert: Alert) => void | Promise<void>
  /** Keeps a split view where it survives: durable when it resolves, and before the alert about it. */
  onSplitView: (view: SplitView) => Promise<void>
}

/** What one round saw. */
export interface Round {
  /** Of the served checkpoint; absent where the log did not sign one. */
  tree?: { size: number; root: Uint8Array }
  /** Witness time of the served checkpoint. */
  time?: number
  /** Entries judged in this round. */
  entries: number
  alerts: number
  /** Entries by kind since the beginning. */
  counts: ReadonlyMap<string, number>
  /** The watched genesis, once the log has shown it. */
  genesis?: string
}

/**
 * Follows the log to its newest checkpoint: signature, witnesses, consistency with everything seen before, and every
 * entry, each proven to be in the tree. What it learns is kept after every bundle of 256 entries, so that it goes on
 * where it was killed; its memory is bounded whatever the log holds.
 *
 * @throws `LOG_UNREADABLE` (retry), `STORAGE_INVALID` (fix-input), and what store and callbacks throw
 */
export async function followLog(options: MonitorOptions): Promise<Round> {
  const { log, expect, reader, store, now } = options
  const stored = await store.load()
  const watched = expect.genesis ?? FIRST_GENESIS
  const state =
    stored === undefined ? emptyState(log.key, watched, now()) : parseState(stored, log.key, watched)
  let alerts = 0
  async function raise(alert: Alert): Promise<void> {
    alerts++
    await options.onAlert(alert)
  }

  /** A log that answers everybody but this monitor, or everything but one entry, must not be able to go on with it. */
  async function raiseSilence(error: unknown): Promise<never> {
    if (!hasCode(error, 'LOG_UNREADABLE')) throw error
    const silentFor = now() - state.wholeAt
    if (silentFor > log.checkpointMaxAgeSeconds)
      await raise({
        code: 'LOG_SILENT',
        message: 'the log could not be read to its end',
        expected: `at most ${log.checkpointMaxAgeSeconds} s ago`,
        found: `${silentFor} s`,
      })
    await save(store, state)
    throw error
  }

  const note = await reader.checkpoint().catch(raiseSilence)
  const judged = judgeCheckpoint(note, log, now())
  for (const alert of judged.alerts) await raise(alert)
  let entries = 0
  if (
    judged.checkpoint !== undefined &&
    (await adopt(state, note, judged.checkpoint, options, raise).catch(raiseSilence))
  ) {
    await save(store, state)
    try {
      entries = await readEntries(state, judged.checkpoint, options, raise)
      state.wholeAt = now()
      await save(store, state)
    } catch (error) {
      if (!isUnproven(error)) return raiseSilence(error)
      await raise({
        code: 'LOG_UNPROVEN',
        message: 'the entries that the log serves are not those of its tree',
        index: state.next,
      })
    }
  }
  const genesis = state.watch.genesis?.digest
  return {
    ...(judged.checkpoint && { tree: judged.checkpoint }),
    ...(judged.time !== undefined && { time: judged.time }),
    entries,
    alerts,
    counts: new Map(state.counts.map(({ name, count }) => [name, count])),
    ...(genesis !== undefined && { genesis }),
  }
}

/** In the place of a digest, in what is kept. */
const FIRST_GENESIS = 'first'

/** Whether the served tree may be followed: it is, or extends, the one seen before. */
async function adopt(
  state: MonitorState,
  note: string,
  checkpoint: Checkpoint,
  { log, reader, store, now, onSplitView }: MonitorOptions,
  raise: (alert: Alert) => Promise<void>,
): Promise<boolean> {
  if (state.note === undefined) {
    state.note = note
    return true
  }
  const seen = parseCheckpoint(parseNote(state.note).text)
  const isSmaller = checkpoint.size < seen.size
  const [older, newer] = isSmaller ? [checkpoint, seen] : [seen, checkpoint]
  const relation = await relate(older, newer, reader.readTile)
  if (relation.is === 'contradiction') {
    const notes: [string, string] = isSmaller ? [note, state.note] : [state.note, note]
    const digest = documentDigest(utf8(parseNote(note).text))
    const { path } = relation
    const isProven = older.size === newer.size || path !== undefined
    const most = isProven ? MAX_CONTRADICTIONS : MAX_UNDECIDED
    if (state.contradictions.length < most && !state.contradictions.includes(digest)) {
      await onSplitView({
        version: 1,
        type: 'sotto-split-view',
        logKey: log.key,
        notes,
        ...(path && { path }),
      })
      state.contradictions.push(digest)
    }
    await raise({
      code: isProven ? 'SPLIT_VIEW' : 'LOG_UNPROVEN',
      message: isProven
        ? 'the log signed two histories'
        : 'the log does not show that its tree extends the one seen before',
      expected: describe(seen),
      found: describe(checkpoint),
    })
    await save(store, state)
    return false
  }
  if (isSmaller) {
    // A cache may be a little behind. A smaller tree that witnesses cosigned after the larger one is not.
    const [then, served] = [state.note, note].map((one) => judgeCheckpoint(one, log, now()).time)
    if (then !== undefined && served !== undefined && served > then)
      await raise({
        code: 'CHECKPOINT_WENT_BACK',
        message: 'the log shrank',
        expected: describe(seen),
        found: describe(checkpoint),
      })
    return false
  }
  state.note = note
  return true
}

async function readEntries(
  state: MonitorState,
  tree: Checkpoint,
  { expect, reader, store }: MonitorOptions,
  raise: (alert: Alert) => Promise<void>,
): Promise<number> {
  const from = state.next
  while (state.next < tree.size) {
    const bundle = Math.floor(state.next / TILE_WIDTH)
    const entries = await reader.bundle(bundle, tree)
    for (const entry of entries.slice(state.next - bundle * TILE_WIDTH)) {
      for (const alert of judgeEntry(state, expect, { index: state.next, entry })) await raise(alert)
      state.next++
    }
    await save(store, state)
  }
  return state.next - from
}

function isUnproven(error: unknown): boolean {
  return ['MERKLE_INCLUSION', 'MERKLE_TILE'].includes(String((error as { code?: unknown }).code))
}

function save(store: MonitorStore, state: MonitorState): Promise<void> {
  return store.save(fromUtf8(canonicalJson(state)))
}

function describe({ size, root }: Checkpoint): string {
  return `${size} entries, root ${toHex(root)}`
}
