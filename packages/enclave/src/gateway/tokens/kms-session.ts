import { equalBytes, toBase64Url } from '@sotto/protocol/bytes'
import {
  parseDsse,
  type PreparedSigner,
  type PreparedVerifier,
  prepareVerifier,
  signDsse,
  verifyDsse,
} from '@sotto/protocol/dsse'
import type { Decoder } from '@sotto/protocol/jcs'
import {
  decodeDocument,
  type Digest,
  documentDigest,
  encodeDocument,
  type LoggedStatement,
} from '@sotto/protocol/keyrelease'
import {
  decodeMask,
  NO_CONTEXT,
  type SpendContext,
  spendAdmissionDecoder,
  spendAnswerDecoder,
  type SpendEntry,
  type SpendJoin,
  spendOfferDecoder,
  type SpendRequest,
  type SpendSession,
  SPENDING_TYPES,
} from '@sotto/protocol/spending'
import { gatewayError } from '../errors.ts'

/** Carries signed documents to and from the KMS; judges none. */
export interface SpendingTransport {
  offer(): Promise<Uint8Array>
  join(envelope: Uint8Array): Promise<Uint8Array>
  spend(envelope: Uint8Array): Promise<Uint8Array>
}

/** Who spends, and whose answers count. */
export interface KmsSessionOptions {
  kms: SpendingTransport
  genesis: Digest
  /** The receipt key of this boot. */
  signer: PreparedSigner
  /** The newest receipt of a release to this boot; undefined before the first. */
  receipt(): LoggedStatement | undefined
  /** The statement key of the KMS, verified now like everything else of it. */
  statementKey(): Promise<Uint8Array>
}

/** Sessions that can be left before this boot trusts no KMS any more: each is a start of the KMS. */
const MAX_LEFT = 4096

/**
 * This gateway's side of a session of the KMS. It is in one session at a time, and never in one again that it has
 * left: so no two runs of the KMS answer it in turn, and what it tells a new one is the last word (T12). One call at
 * a time.
 */
export class KmsSession {
  readonly #options: KmsSessionOptions
  readonly #left = new Set<SpendSession>()
  #session: SpendSession | undefined
  #isJoined = false
  #isOver = false
  #joinedWith: string | undefined
  #context: SpendContext = NO_CONTEXT
  #sequence = 0
  /** Set up once: to check that a key is a sound one costs more than to verify by it. */
  #key: PreparedVerifier | undefined

  constructor(options: KmsSessionOptions) {
    this.#options = options
  }

  /** The context of the newest admission, hexadecimal; undefined before the first. */
  get context(): SpendContext | undefined {
    return this.#context === NO_CONTEXT ? undefined : this.#context
  }

  /** Whether it may spend, as far as it knows. */
  get isJoined(): boolean {
    return this.#isJoined
  }

  /** Has to join again before it spends. */
  doubt(): void {
    this.#isJoined = false
  }

  /**
   * Joins the session the KMS offers, if it is not in it with its newest receipt.
   * @throws `GATEWAY_SPENT_UNAVAILABLE`, those of the transport
   */
  async join(): Promise<void> {
    await this.#follow()
    const { receipt, kms } = this.#options
    const statement = receipt()
    if (statement === undefined) throw unavailable('this gateway has no keys yet')
    if (this.#isJoined && this.#joinedWith === statement.envelope) return
    const join = this.#joining(statement, false)
    const admission = await this.#open(
      await kms.join(this.#sign(SPENDING_TYPES.join, join)),
      SPENDING_TYPES.admission,
      spendAdmissionDecoder,
    )
    this.#requireAbout(admission, join)
    if (admission.context === NO_CONTEXT) throw unavailable('the KMS has no context')
    if (admission.context !== this.#context) this.#sequence = 0
    this.#context = admission.context
    this.#sequence = Math.max(this.#sequence, admission.sequence)
    this.#joinedWith = statement.envelope
    this.#isJoined = true
  }

  /**
   * Spends entries in `context`; true where this request spent the entry.
   * @throws `GATEWAY_SPENT_UNAVAILABLE`, those of the transport: then they may be spent, and nobody may be let in by them
   */
  async spend(context: SpendContext, counter: number, entries: SpendEntry[]): Promise<boolean[]> {
    if (!this.#isJoined || context !== this.#context) throw unavailable('the context is over')
    const { genesis, signer, kms } = this.#options
    const gateway = toBase64Url(signer.publicKey)
    const session = this.#session!
    const request: SpendRequest = { version: 1, genesis, session, context, gateway, counter, entries }
    const answer = await this.#open(
      await kms.spend(this.#sign(SPENDING_TYPES.request, request)),
      SPENDING_TYPES.answer,
      spendAnswerDecoder,
    )
    this.#requireAbout(answer, request)
    if (answer.context !== context) throw unavailable('the answer is of another context')
    const spent = decodeMask(answer.spent, entries.length)
    this.#sequence = Math.max(this.#sequence, answer.sequence)
    return spent
  }

  /** Leaves for good: the KMS need not wait for this boot any more. */
  async leave(): Promise<void> {
    this.#isOver = true
    this.#isJoined = false
    const { receipt, kms } = this.#options
    const statement = receipt()
    if (this.#session === undefined || statement === undefined) return
    await kms.join(this.#sign(SPENDING_TYPES.join, this.#joining(statement, true)))
  }

  /** Turns to the session that is offered; from here on no answer of another counts. */
  async #follow(): Promise<void> {
    if (this.#isOver) throw unavailable('this gateway ends')
    const { kms, genesis } = this.#options
    const offer = await this.#open(await kms.offer(), SPENDING_TYPES.offer, spendOfferDecoder)
    if (offer.genesis !== genesis) throw unavailable('the offer is of another KMS')
    if (offer.session === this.#session) return
    if (this.#left.has(offer.session) || this.#left.size >= MAX_LEFT)
      throw unavailable('the offer is of a session that is over')
    if (this.#session !== undefined) this.#left.add(this.#session)
    this.#session = offer.session
    this.#isJoined = false
  }

  #joining(receipt: LoggedStatement, leaves: boolean): SpendJoin {
    const { genesis, signer } = this.#options
    const [gateway, session] = [toBase64Url(signer.publicKey), this.#session!]
    const told = { context: this.#context, sequence: this.#sequence }
    return { version: 1, genesis, session, gateway, receipt, ...told, leaves }
  }

  #requireAbout(
    answer: { genesis: Digest; session: SpendSession; request: Digest },
    request: { session: SpendSession } & object,
  ): void {
    const isAbout =
      answer.genesis === this.#options.genesis &&
      answer.session === request.session &&
      answer.request === documentDigest(request)
    if (!isAbout) throw unavailable('the answer is to something else')
  }

  #sign(payloadType: string, document: object): Uint8Array {
    return signDsse(payloadType, encodeDocument(document), [this.#options.signer])
  }

  /** What the KMS signed: with the key known to be its own, or the one that turns out to be by now. */
  async #open<T>(envelope: Uint8Array, payloadType: string, decoder: Decoder<T>): Promise<T> {
    const parsed = parseDsse(envelope)
    const signed = (key: PreparedVerifier): T =>
      decodeDocument(verifyDsse(parsed, payloadType, [key]).payload, decoder, 'answer')
    const before = this.#key
    try {
      if (before !== undefined) return signed(before)
    } catch (cause) {
      if ((cause as { code?: unknown }).code !== 'DSSE_SIGNATURE') throw cause
    }
    const key = await this.#options.statementKey()
    if (before !== undefined && equalBytes(key, before.publicKey))
      throw unavailable('the KMS did not sign its answer')
    this.#key = prepareVerifier(key)
    return signed(this.#key)
  }
}

function unavailable(message: string): Error {
  return gatewayError('GATEWAY_SPENT_UNAVAILABLE', message)
}
