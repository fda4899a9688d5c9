import { concat, equalBytes, toHex, uint, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Digest } from '@sotto/protocol/keyrelease'
import type { StoredRecord } from '../store/index.ts'
import { EMPTY_STATE, toRecords } from './records.ts'
import type { KmsState, StateAnchorMark } from './types.ts'

/**
 * Records the log itself tells about: an old copy of them is noticed because the log holds a later key set,
 * certificate, genesis or record of the members. Every other record counts, those of later versions too, unless somebody adds it here
 * for the same reason.
 */
const TOLD_BY_THE_LOG: Readonly<Record<string, readonly string[] | 'all'>> = {
  state: [
    'identity',
    'seen',
    'keyIds',
    'statementKeys',
    'booting',
    'policy',
    'epoch',
    'pending',
    'roster',
    'governance',
    'anchor',
    'contractEvents',
  ],
  policy: 'all',
  // What members signed is in the log itself, record by record: see audit/scan.ts.
  proposal: 'all',
}

const LABEL = utf8('sotto kms state v1')
const SALT_LENGTH = 32

/**
 * The state with a new mark when anything counts that did not before: the mark is stored with the change, logged
 * before the change is acknowledged, and compared at every start (T11). Stored first: a store can be ahead of the
 * log by what nobody was told of yet, so a log that is ahead of a store always means an old copy.
 */
export function withAnchor(state: KmsState): KmsState {
  const { anchor } = state
  const records = toRecords(state).filter(counts)
  if (anchor === undefined ? records.length === 0 : digestOf(records, anchor.salt) === anchor.digest)
    return state
  // A new salt each time: the log is public, and must not show that a state is one it has been before.
  const salt = crypto.randomBytes(SALT_LENGTH)
  return {
    ...state,
    anchor: { sequence: (anchor?.sequence ?? 0) + 1, digest: digestOf(records, salt), salt },
  }
}

/** The mark the log does not hold yet; until it does, nothing that counts may be acknowledged or shown. */
export function pendingAnchor({ anchor }: KmsState): StateAnchorMark | undefined {
  return anchor?.index === undefined ? anchor : undefined
}

function counts(record: StoredRecord): boolean {
  const { table, key } = record
  const told = Object.hasOwn(TOLD_BY_THE_LOG, table) ? TOLD_BY_THE_LOG[table]! : []
  return told !== 'all' && !told.includes(key) && !isInitial(record)
}

/** What stands in the store of a KMS to which nothing has happened yet. */
function isInitial({ table, key, value }: StoredRecord): boolean {
  return toRecords(EMPTY_STATE).some(
    (initial) => initial.table === table && initial.key === key && equalBytes(initial.value, value),
  )
}

function digestOf(records: readonly StoredRecord[], salt: Uint8Array): Digest {
  const named = records.map((record) => ({ name: `${record.table}\0${record.key}`, value: record.value }))
  const parts = named
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, value }) => [utf8(name), value])
    .flatMap((part) => [uint(part.length, 4), part])
  return toHex(crypto.sha256(concat(LABEL, salt, ...parts)))
}
