import type { Certificate, Crl, VerifiedPath } from '@sotto/protocol/x509'
import type { EvidenceInput, Family, FieldValue, VerdictFacts } from '../family/index.ts'
import { collectPieces, type DcapPieces } from './collateral.ts'
import { CertificateReader } from './chains.ts'
import type { QuoteHeader } from './header.ts'
import type { PckExtension } from './pck.ts'
import type { DcapPolicy } from './policy.ts'
import type { QeIdentity } from './qe-identity.ts'
import type { Quote } from './quote.ts'
import type { PartStatus, TcbEvaluation, TdxTcb } from './tcb-level.ts'
import type { TcbInfo } from './tcb-info.ts'

/** The two families of quotes. */
export type DcapFamily = Extract<Family, 'sgx' | 'tdx'>

/** What is given, and what checks have established. A fact exists only once its step says so. */
export interface DcapFacts extends VerdictFacts {
  input: EvidenceInput<DcapPolicy>
  policy: DcapPolicy
  /** Pinned. */
  roots: readonly Certificate[]
  reader: CertificateReader
  pieces: DcapPieces
  /** Filled as far as the checks get. */
  fields: Record<string, FieldValue>

  /** Structure only, as the next. */
  header?: QuoteHeader
  quote?: Quote
  /** Leaf, its authority, root. */
  pckPath?: VerifiedPath
  pck?: PckExtension
  /** Paths of TCB signing certificates by the PEM text that they came in. */
  tcbSigners?: ReadonlyMap<string, VerifiedPath>
  tcbInfo?: TcbInfo
  /** The TCB information is about this platform. */
  isOwnTcbInfo?: true
  qeIdentity?: QeIdentity
  /** Status of the quoting enclave, which is Intel's. */
  qe?: PartStatus
  rootCaCrls?: readonly Crl[]
  pckCrls?: readonly Crl[]
  /** What a TD quote says about its module; SGX has none. */
  tdxTcb?: TdxTcb
  tcb?: TcbEvaluation
}

/** What every verification starts with. */
export function startFacts(input: EvidenceInput<DcapPolicy>, roots: readonly Certificate[]): DcapFacts {
  return {
    input,
    policy: input.policy ?? {},
    roots,
    reader: new CertificateReader(roots),
    pieces: collectPieces(input.collateral, roots),
    fields: {},
  }
}
