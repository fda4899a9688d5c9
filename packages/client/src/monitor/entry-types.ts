import { parseDsse, type DsseEnvelope } from '@sotto/protocol/dsse'
import { CUSTODY_ENTRIES } from './entries/custody.ts'
import type { EntryType } from './entries/entry-type.ts'
import { IN_TOTO_ENTRIES, IN_TOTO_TYPE, OTHER_STATEMENT } from './entries/in-toto.ts'
import { KMS_ENTRIES } from './entries/kms.ts'
import { SERVICE_ENTRIES } from './entries/services.ts'
import { memberOf } from './watch/document.ts'

export type { EntryType } from './entries/entry-type.ts'
export { instant } from './entries/entry-type.ts'

/**
 * Entries that are understood, by payload type; a new kind is one line in `entries/`. Others are anybody's: they are
 * proven to be in the tree like these, counted, and passed over. Those of in-toto are told apart by their predicate.
 */
export const ENTRY_TYPES: ReadonlyMap<string, EntryType> = new Map([
  ...KMS_ENTRIES,
  ...CUSTODY_ENTRIES,
  ...SERVICE_ENTRIES,
  [IN_TOTO_TYPE, OTHER_STATEMENT],
])

/** What is known of an entry without believing it. */
export interface ReadEntry {
  envelope: DsseEnvelope
  /** Absent for a payload type that is not understood. */
  type?: EntryType
  /** Digest of the genesis that the document names, where it names one. */
  genesis?: string
}

/** Reads an entry of a log; undefined for what is no envelope. Never throws: anybody may have written it. */
export function readEntry(entry: Uint8Array): ReadEntry | undefined {
  let envelope: DsseEnvelope
  try {
    envelope = parseDsse(entry)
  } catch {
    return undefined
  }
  const type = typeOf(envelope)
  const genesis = genesisOf(envelope.payload)
  return { envelope, ...(type && { type }), ...(genesis !== undefined && { genesis }) }
}

/** Which genesis a document is of, even where the rest of it makes no sense. */
function genesisOf(payload: Uint8Array): string | undefined {
  const genesis = memberOf(payload, 'genesis')
  return typeof genesis === 'string' && /^[0-9a-f]{64}$/.test(genesis) ? genesis : undefined
}

function typeOf({ payloadType, payload }: DsseEnvelope): EntryType | undefined {
  if (payloadType !== IN_TOTO_TYPE) return ENTRY_TYPES.get(payloadType)
  const predicate = memberOf(payload, 'predicateType')
  return (typeof predicate === 'string' ? IN_TOTO_ENTRIES.get(predicate) : undefined) ?? OTHER_STATEMENT
}
