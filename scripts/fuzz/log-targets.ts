import {
  encodeEntryProof,
  encodeSplitView,
  parseEntryProof,
  parseSplitView,
  verifySplitView,
} from '@sotto/client/monitor'
import { fromHex, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { CborTag, encodeCbor } from '@sotto/protocol/cbor'
import { parseCoseReceipt, receiptTree } from '@sotto/protocol/cose'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import { canonicalJson } from '@sotto/protocol/jcs'
import { decodeDocument, encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { digestCount, fillDigests, receiptBatchDecoder } from '@sotto/protocol/receipt-log'
import { emptyState, type MonitorState, parseState } from '../../packages/client/src/monitor/watch/state.ts'
import { judgeEntry } from '../../packages/client/src/monitor/watch/judge.ts'
import { ownWorld, payloadOf } from './own-documents.ts'
import { parser, type Target } from './target.ts'

const HASH = new Uint8Array(32).fill(7)

/** What a monitor reads of a log that anybody may append to, and what people hand each other about logs. */
export const logTargets: readonly Target[] = [
  parser('cose receipt', coseReceipts, (bytes) => receiptTree(parseCoseReceipt(bytes), HASH)),
  parser('entry proof', entryProofs, (bytes) => parseEntryProof(fromUtf8(bytes))),
  parser('split view', splitViews, (bytes) => verifySplitView(parseSplitView(fromUtf8(bytes)))),
  parser('monitor state', states, (bytes) => parseState(fromUtf8(bytes), LOG_KEY, 'first')),
  parser('log entry', entries, judge),
  parser('key set of the log', keySets, (payload) => judge(signed(payload))),
  parser('receipt batch', receiptBatches, (payload) =>
    digestCount(decodeDocument(payload, receiptBatchDecoder, 'batch')),
  ),
]

const LOG_KEY = 'log.example'
const expectations = { revoked: [], minSecurityVersion: { kms: 0, inference: 0 }, maxBootsPerDay: 4 }

function coseReceipts(): Uint8Array[] {
  const header = encodeCbor(
    new Map([
      [1, -7],
      [395, 1],
    ]),
  )
  const receipt = (label: number, proof: (number | Uint8Array[])[]): Uint8Array =>
    encodeCbor(
      new CborTag(18, [
        header,
        new Map([[396, new Map([[label, [encodeCbor(proof)]]])]]),
        null,
        new Uint8Array(64).fill(1),
      ]),
    )
  return [receipt(-1, [5, 3, [HASH, HASH, HASH]]), receipt(-2, [3, 5, [HASH, HASH, HASH, HASH]])]
}

async function entryProofs(): Promise<Uint8Array[]> {
  const { world } = await ownWorld()
  const { envelope, index, proof } = world.bundle.keySet
  return [
    utf8(
      encodeEntryProof({
        entry: utf8(envelope),
        index,
        path: proof.map(fromHex),
        note: world.bundle.checkpoint,
      }),
    ),
  ]
}

async function splitViews(): Promise<Uint8Array[]> {
  const { world } = await ownWorld()
  const { log, now } = world
  const fork = log.fork(2)
  for (let i = 0; i < 9; i++) fork.append(utf8(`other ${i}`))
  const notes: [string, string] = [
    await log.checkpoint({ time: now, size: 5 }),
    await fork.checkpoint({ time: now }),
  ]
  const path = await fork.consistency(5)
  return [utf8(encodeSplitView({ version: 1, type: 'sotto-split-view', logKey: log.key, notes, path }))]
}

async function states(): Promise<Uint8Array[]> {
  const state = emptyState(LOG_KEY, 'first', 0)
  for (const [index, entry] of (await ownWorld()).world.log.entries.entries())
    judgeEntry(state, expectations, { index, entry })
  return [canonicalJson(state)]
}

/** The history before the key set. What a changed one does to it is forgotten. */
let before: { state: MonitorState; signer: DsseSigner } | undefined

async function entries(): Promise<Uint8Array[]> {
  const { world } = await ownWorld()
  const state = emptyState(LOG_KEY, 'first', 0)
  for (const [index, entry] of world.log.entries.slice(0, world.bundle.keySet.index).entries())
    judgeEntry(state, expectations, { index, entry })
  before = { state, signer: world.signers.kms }
  return [...world.log.entries]
}

async function keySets(): Promise<Uint8Array[]> {
  await entries()
  return [payloadOf((await ownWorld()).world.bundle.keySet.envelope)]
}

function receiptBatches(): Uint8Array[] {
  const digest = 'ab'.repeat(32)
  return [0, 100].map((count) => {
    const own = Array.from({ length: count }, (_, at) => new Uint8Array(32).fill(at))
    let filled = 128
    const digests = fillDigests(own, (length) => {
      const random = new Uint8Array(length).fill(filled++ % 256)
      return random.fill(filled >> 8, 1, 2)
    })
    return encodeDocument({
      version: 1,
      genesis: digest,
      evidence: digest,
      sequence: 7,
      previous: digest,
      digests,
    })
  })
}

/** Nothing that stands in a log may end a monitor: an entry is judged, it never throws. */
function judge(entry: Uint8Array): unknown {
  return judgeEntry(structuredClone(before!.state), expectations, { index: 100, entry })
}

function signed(payload: Uint8Array): Uint8Array {
  return signDsse(PAYLOAD_TYPES.keySet, payload, [before!.signer])
}
