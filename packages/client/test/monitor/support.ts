import { concat, fromUtf8, uint, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, signDsse, type DsseSigner } from '@sotto/protocol/dsse'
import {
  decodeDocument,
  documentDigest,
  encodeDocument,
  keySetDecoder,
  PAYLOAD_TYPES,
  type KeySet,
} from '@sotto/protocol/keyrelease'
import { parseTilePath, TILE_WIDTH } from '@sotto/protocol/tile-path'
import { createWorld, type FakeLog, type World, type WorldOptions } from '@sotto/testkit'
import {
  createLogReader,
  followLog,
  type Alert,
  type MonitorOptions,
  type Round,
  type SplitView,
} from '../../src/monitor/index.ts'

/** A log as its server shows it: which tree, with which witnesses, is for the test to say. */
export interface ServedLog {
  log: FakeLog
  /** The note that is served; default the newest tree, cosigned by all at `time`. */
  note?: string
  time: number
}

/** `fetch` of a server of C2SP tlog-tiles at `http://log/log`. */
export function serve(served: ServedLog): typeof globalThis.fetch {
  return async (input) => {
    const path = new URL(input as URL).pathname.replace('/log/', '')
    const { log } = served
    if (path === 'checkpoint')
      return new Response(served.note ?? (await log.checkpoint({ time: served.time })))
    const tile = parseTilePath(path.replace('tile/', ''))
    if (tile === undefined) return new Response(null, { status: 404 })
    const { level, index, width } = tile
    if (level !== 'entries')
      return new Response((await log.readTile({ level, index, width })) as Uint8Array<ArrayBuffer>)
    const entries = log.entries.slice(index * TILE_WIDTH, index * TILE_WIDTH + width)
    return new Response(
      concat(...entries.flatMap((entry) => [uint(entry.length, 2), entry])) as Uint8Array<ArrayBuffer>,
    )
  }
}

/** A monitor of a world, with everything it said and kept. */
export interface Desk {
  world: World
  served: ServedLog
  options: MonitorOptions
  /** How the log answers; default {@link serve}. */
  fetch: typeof globalThis.fetch
  alerts: Alert[]
  views: SplitView[]
  stored: { text?: string }
  round(): Promise<Round>
  /** Codes of the alerts of one round. */
  codes(): Promise<string[]>
  /** Appends a document, signed. */
  log(type: string, document: object, signer: DsseSigner): void
  keySet: KeySet
}

export async function openDesk(options: WorldOptions = {}): Promise<Desk> {
  const world = await createWorld(options)
  const { policy } = world
  const served: ServedLog = { log: world.log, time: world.now - 30 }
  const alerts: Alert[] = []
  const views: SplitView[] = []
  const stored: { text?: string } = {}
  const monitor: MonitorOptions = {
    log: {
      ...policy.log,
      witnesses: policy.witnesses,
      checkpointMaxAgeSeconds: policy.checkpointMaxAgeSeconds,
    },
    expect: {
      genesis: policy.genesis,
      releaseKeys: policy.releaseKeys,
      revoked: policy.revoked,
      minSecurityVersion: policy.minSecurityVersion,
      maxBootsPerDay: 4,
    },
    reader: createLogReader(new URL('http://log/log'), (input, init) => desk.fetch(input, init)),
    store: {
      load: async () => stored.text,
      save: async (text) => void (stored.text = text),
    },
    now: () => world.now,
    onAlert: (alert) => void alerts.push(alert),
    onSplitView: async (view) => void views.push(view),
  }
  const { payload } = parseDsse(utf8(world.bundle.keySet.envelope))
  const desk: Desk = {
    world,
    served,
    options: monitor,
    fetch: serve(served),
    alerts,
    views,
    stored,
    round: () => followLog(monitor),
    async codes() {
      const before = alerts.length
      await followLog(monitor)
      return alerts.slice(before).map(({ code }) => code)
    },
    log: (type, document, signer) =>
      void world.log.append(signDsse(type, encodeDocument(document), [signer])),
    keySet: decodeDocument(payload, keySetDecoder, 'key set'),
  }
  return desk
}

/** The key set of the epoch after this one. */
export function nextSet(set: KeySet, change: Partial<KeySet> = {}): KeySet {
  return { ...set, epoch: set.epoch + 1, previous: documentDigest(set), ...change }
}

export { fromUtf8, PAYLOAD_TYPES }
