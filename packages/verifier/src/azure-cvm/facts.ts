import type { Certificate } from '@sotto/protocol/x509'
import type { CollateralDate, EvidenceInput, EvidenceVerdict, FieldValue } from '../family/index.ts'
import type { Quote, QuotedBank } from '../tpm/index.ts'
import type { AzureEvidence, TpmQuote } from './envelope.ts'
import type { HclReport } from './hcl.ts'
import type { AzurePieces } from './pieces.ts'
import type { AzureCvmPolicy } from './policy.ts'
import type { RuntimeData } from './runtime-data.ts'

/** What the checks establish for each other. A fact exists only once its step says so. */
export interface AzureFacts {
  input: EvidenceInput<AzureCvmPolicy>
  policy: AzureCvmPolicy
  pieces: AzurePieces
  /** Root for certificates of attestation keys. */
  vtpmRoot: Certificate
  /** Filled as far as the checks get. */
  fields: AzureFields
  validUntil?: number
  dates?: readonly CollateralDate[]
  evidence?: AzureEvidence
  /** Structure only. */
  hcl?: HclReport
  /** What REPORTDATA must be for this runtime data, 64 bytes. */
  boundData?: Uint8Array
  /** Whether the quote of TDX is of this very TDREPORT. */
  isQuoted?: boolean
  /** Bound to the hardware report by a step of its own. */
  runtime?: RuntimeData
  quote?: { parts: TpmQuote; attest: Quote }
  /** Subject of the certificate of the attestation key, once it is proven. */
  akSubject?: string
  /** What the family of the hardware says, where its report is authentic and covers the runtime data. */
  hardware?: EvidenceVerdict
  /** Whether something proves that Microsoft's paravisor made the runtime data. */
  hasParavisor?: boolean
  /** Registers that came, by index. */
  selected?: QuotedPcrs
  /** The same, once the quote is known to be about them. */
  pcrs?: QuotedPcrs
}

/** Values of one bank. */
export interface QuotedPcrs {
  bank: QuotedBank
  values: ReadonlyMap<number, Uint8Array>
}

/** Fields of a verdict; `tpm_quote` says what was proven of the quote so far. */
export interface AzureFields {
  [name: string]: FieldValue
}
