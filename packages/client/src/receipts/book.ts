import { utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import { SottoError } from '@sotto/protocol/errors'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import {
  inferenceReceiptDecoder,
  parseReceiptTrailer,
  RECEIPT_TRAILER,
  type ReceiptCertificate,
  type SavedReceipt,
} from '@sotto/protocol/receipts'
import { createReceiptVerifier, type TrustPolicy } from '@sotto/verifier'
import { clientError } from '../errors.ts'
import type { ExchangeEnd } from '../transport/index.ts'
import type { ReceiptRecord } from '../types.ts'
import { type CertificateName, fetchCertificate } from './fetch-certificate.ts'
import { type ReceiptClaim, verifyClaim } from './verify.ts'
import { type JudgedService, withTrust } from './with-trust.ts'

/** Latest records kept in memory. */
const MAX_RECORDS = 256

/** Certificates kept: one for each receipt key and release this session met. */
const MAX_CERTIFICATES = 64

/** The receipts of one connection. */
export interface ReceiptBook {
  /** Follows a response to its end and verifies the receipt it then carries; `judged` is of the service that was asked. */
  track(
    response: Response,
    claim: Omit<ReceiptClaim, 'end'>,
    end: Promise<ExchangeEnd>,
    judged: JudgedService,
  ): void
  receiptOf(response: Response): Promise<SavedReceipt>
  readonly records: readonly ReceiptRecord[]
}

/** What a {@link ReceiptBook} needs. */
export interface ReceiptBookOptions {
  policy: TrustPolicy
  /** Sends an inner GET through the verified connection. */
  send(path: string): Promise<Response>
  onReceipt: ((record: ReceiptRecord) => void) | undefined
  /** Whether saved receipts hold the bundle of their service. */
  withTrust: boolean
}

/** Starts an empty book. */
export function createReceiptBook(options: ReceiptBookOptions): ReceiptBook {
  const verify = createReceiptVerifier(options.policy)
  const records: ReceiptRecord[] = []
  const pending = new WeakMap<Response, Promise<SavedReceipt>>()
  const certificates = new Map<string, Promise<ReceiptCertificate>>()

  async function receive(
    claim: Omit<ReceiptClaim, 'end'>,
    ended: Promise<ExchangeEnd>,
    judged: JudgedService,
  ): Promise<SavedReceipt> {
    const end = await ended
    const values = end.trailers.filter(([name]) => name === RECEIPT_TRAILER).map(([, value]) => value)
    if (values.length === 0) throw clientError('RECEIPT_MISSING', 'the answer carries no receipt')
    let entry: Extract<ReceiptRecord, { status: 'verified' }>
    try {
      const bare = await complete(values)
      // The bundle was verified before the request left; it is not verified again for each receipt.
      const receipt = verifyClaim(bare, verify, { ...claim, end })
      const saved = options.withTrust ? withTrust(bare, judged) : bare
      entry = { status: 'verified', receipt, saved }
    } catch (cause) {
      const error =
        cause instanceof SottoError && cause.code.startsWith('RECEIPT_')
          ? cause
          : clientError('RECEIPT_INVALID', 'the receipt is malformed', { cause })
      record({ status: 'refused', error })
      throw error
    }
    record(entry)
    return entry.saved
  }

  /** Adds the certificate of the key that signed. The key id is only a hint here: verification decides. */
  async function complete(values: readonly string[]): Promise<SavedReceipt> {
    if (values.length > 1) throw clientError('RECEIPT_INVALID', 'the answer carries more than one receipt')
    const { envelope, salt } = parseReceiptTrailer(values[0]!)
    const { payload, signatures } = parseDsse(utf8(envelope))
    const { evidence } = decodeDocument(payload, inferenceReceiptDecoder, 'receipt')
    // A new release certifies the same receipt key for other evidence and other request keys.
    const certificate = await certificateOf({ keyId: signatures[0]!.keyid, evidence })
    return { version: 1, envelope, salt, certificate }
  }

  function certificateOf(name: CertificateName): Promise<ReceiptCertificate> {
    const key = `${name.keyId} ${name.evidence}`
    const known = certificates.get(key)
    if (known !== undefined) return known
    const fetched = fetchCertificate(name, options.send)
    certificates.set(key, fetched)
    fetched.catch(() => certificates.delete(key))
    if (certificates.size > MAX_CERTIFICATES) certificates.delete(certificates.keys().next().value!)
    return fetched
  }

  function record(entry: ReceiptRecord): void {
    records.push(entry)
    if (records.length > MAX_RECORDS) records.shift()
    options.onReceipt?.(entry)
  }

  return {
    track(response, claim, end, judged) {
      const saved = receive(claim, end, judged)
      // Whoever wants the receipt awaits it by `receiptOf`; nobody else needs to handle a refusal.
      saved.catch(() => {})
      pending.set(response, saved)
    },
    async receiptOf(response) {
      const saved = pending.get(response)
      if (saved === undefined) {
        throw clientError('RECEIPT_MISSING', 'this response was not received through this connection', {
          hint: 'pass the Response that sotto.fetch returned, not a clone of it',
        })
      }
      return saved
    },
    get records() {
      return [...records]
    },
  }
}
