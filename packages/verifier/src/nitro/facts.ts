import type { Certificate } from '@sotto/protocol/x509'
import type { EvidenceInput, FieldValue } from '../family/index.ts'
import type { NitroChain } from './chain.ts'
import type { NitroDocument } from './document.ts'
import type { NitroPolicy } from './policy.ts'

/** What the checks establish for each other. A fact exists only once its step says so. */
export interface NitroFacts {
  input: EvidenceInput<NitroPolicy>
  policy: NitroPolicy
  roots: readonly Certificate[]
  /** Filled as far as the checks get. */
  fields: Record<string, FieldValue>
  validUntil?: number
  /** Structure only. */
  document?: NitroDocument
  /** Leaf first, root last, as the document has them; nothing is proven about them. */
  certificates?: readonly Certificate[]
  chain?: NitroChain
}
