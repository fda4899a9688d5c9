import type { Certificate } from '@sotto/protocol/x509'
import type { NvidiaRoots } from '@sotto/verifier/nvidia'
import type { Endpoints } from './endpoints.ts'
import type { HttpAnswer, HttpQuestion } from './http/index.ts'

/** AMD processor lines with roots of their own, as the verifier names them. */
export type AmdProduct = 'milan' | 'genoa' | 'turin'

/** Security patch levels that one VCEK certificate is about, each 0 to 255. */
export interface AmdTcb {
  /** Turin only. */
  fmc?: number
  bl: number
  tee: number
  snp: number
  ucode: number
}

/** Which of Intel's concurrent TCB evaluations is asked for: the newest by name, or one by its number. */
export type TcbUpdate = 'standard' | 'early' | number

/** One thing that evidence needs for a verdict, and how it is found with its vendor. */
export type Need =
  | {
      /** The certificate of one chip at one firmware level. */
      kind: 'amd-vcek'
      product: AmdProduct
      /** CHIP_ID in lower-case hexadecimal: 64 bytes, 8 for Turin. */
      hwid: string
      tcb: AmdTcb
      /** Asked for where the vendor has no such certificate: reports of version 2 do not name their product. */
      otherwise?: Need
    }
  | {
      /** ASK (or ASVK) and ARK. */
      kind: 'amd-chain'
      key: 'vcek' | 'vlek'
      product: AmdProduct
    }
  | { kind: 'amd-crl'; key: 'vcek' | 'vlek'; product: AmdProduct }
  | {
      kind: 'intel-tcb-info'
      tee: 'sgx' | 'tdx'
      /** 6 bytes in lower-case hexadecimal. */
      fmspc: string
    }
  | { kind: 'intel-qe-identity'; tee: 'sgx' | 'tdx' }
  | { kind: 'intel-pck-crl'; ca: 'processor' | 'platform' }
  | { kind: 'intel-root-crl' }
  | { kind: 'nvidia-ocsp'; certificate: Certificate; issuer: Certificate }
  | {
      kind: 'nvidia-rim'
      /** Like `NV_GPU_DRIVER_GH100_550.90.07`. */
      id: string
    }
  | { kind: 'nvidia-jwks' }

/** A kind of {@link Need}. */
export type NeedKind = Need['kind']

/** The needs of one kind. */
export type NeedOf<Kind extends NeedKind> = Extract<Need, { kind: Kind }>

/** What must never go back: both parts only ever grow. */
export interface Mark {
  /** What it counts, like `intel tcb-info tdx b0c06f000000 standard`. */
  subject: string
  /** `tcbEvaluationDataNumber` or CRLNumber, decimal; null where there is none. */
  number: string | null
  /** `issueDate` or `thisUpdate`, Unix seconds. */
  date: number
}

/** An answer that was read and is what was asked for. */
export interface Fetched {
  /** For a verifier, by names that say what they are and that no verifier looks at. */
  pieces: Readonly<Record<string, Uint8Array>>
  /** When to ask again, Unix seconds. */
  freshUntil: number
  mark?: Mark
  /** Where the answer alone does not show who signed it: what does. Left out, {@link Source.read} has authenticated it. */
  proof?: Proof
  /** What has to be fetched as well, now that this is known. */
  more?: readonly Need[]
}

/** How an answer is authenticated with another one. */
export interface Proof {
  need: Need
  /** @param pieces of the other need, which are authenticated themselves @throws errors of the X.509 package */
  verify(pieces: Fetched['pieces']): void
}

/** Roots by which answers are authenticated before they are kept, or count as newer than others. */
export interface CollateralRoots {
  /** ARK of each product. */
  amd: Readonly<Record<AmdProduct, Certificate>>
  /** Intel SGX Root CA. */
  intel: Certificate
  nvidia: NvidiaRoots
}

/** What a source may depend on besides the answer. */
export interface ReadContext {
  /** When the answer came, Unix seconds: long ago, for one from the cache. */
  fetchedAt: number
  /** Unix seconds. */
  now: number
  roots: CollateralRoots
  update: TcbUpdate
  /** Nonce that was sent; undefined for an answer from the cache. */
  nonce?: Uint8Array
}

/** How one kind of need is fetched. */
export interface Source<N extends Need> {
  /** Names the need, not the answer: what is issued again has the same key. */
  key(need: N, update: TcbUpdate): string
  /** For people, as the subject or object of a sentence. */
  what(need: N): string
  /** @param nonce fresh random bytes, 32 */
  question(need: N, context: QuestionContext): HttpQuestion
  /**
   * Reads an answer that anybody may have sent.
   * @throws `COLLATERAL_INVALID`, `COLLATERAL_EXPIRED`; errors of parsers, which mean the former
   */
  read(need: N, answer: HttpAnswer, context: ReadContext): Fetched
  /** Response headers that {@link read} looks at, and the cache keeps. */
  headers?: readonly string[]
  /** Where nobody signs the answers: the one origin whose TLS vouches for them. Those of others are never kept. */
  keepsOnlyFrom?: string
}

/** What a question may depend on besides the need. */
export interface QuestionContext {
  endpoints: Endpoints
  update: TcbUpdate
  /** Ask Azure's caches instead of the vendors. */
  azure: boolean
  nonce: Uint8Array
}
