import { fromBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, type PreparedVerifier, prepareVerifier, verifyDsse } from '@sotto/protocol/dsse'
import type { Decoder } from '@sotto/protocol/jcs'
import {
  decodeDocument,
  type Digest,
  documentDigest,
  type Ed25519Key,
  type LoggedStatement,
  type ReleaseReceipt,
  type UnixSeconds,
} from '@sotto/protocol/keyrelease'
import {
  MAX_SPEND_GATEWAYS,
  type SpendAdmission,
  type SpendAnswer,
  type SpendJoin,
  spendJoinDecoder,
  type SpendOffer,
  type SpendRequest,
  spendRequestDecoder,
  type SpendRoster,
  SPENDING_TYPES,
} from '@sotto/protocol/spending'
import { kmsError } from '../errors.ts'
import type { SpentLedger } from './ledger.ts'
import { unknownSpender } from './receipt.ts'
import { judgeResumption, type Witnessed } from './roster.ts'

/** So long a starting KMS waits for the gateways that may know more than its store. */
export const RESUME_MS = 30_000

/** What spending needs of the KMS around it. */
export interface SpendingTools {
  genesis: Digest
  ledger: SpentLedger
  /** The newest roster in the log, as far as it was read: at least to the end it had when this run was logged. */
  roster(): SpendRoster | undefined
  /**
   * Logs a roster, then reads the log to there: no other run of this KMS has begun before it. Runs inside `change`.
   * @throws `KMS_FENCED`, those of log client and store
   */
  logRoster(roster: SpendRoster): Promise<void>
  /** The receipt that admitted an enclave. @throws `KMS_SPENDER_UNKNOWN`, those of the log client */
  verifyReceipt(statement: LoggedStatement, gateway: Ed25519Key): Promise<ReleaseReceipt>
  /** Signs as the KMS that serves. @throws when it does no more */
  sign(payloadType: string, document: object): string
  /** Runs one change of the KMS at a time. */
  change<T>(work: () => Promise<T>): Promise<T>
  now(): UnixSeconds
  /** Milliseconds, never going back. */
  monotonic(): number
}

interface Member {
  verifier: PreparedVerifier
  /** From then on its receipt has ended. */
  notAfter: UnixSeconds
}

/**
 * The spent tokens of one run of the KMS: gateways join its session and spend in it. Whatever is answered is durable,
 * and whoever is answered is in the log first, so that the next run knows whom to ask.
 */
export class SpendingSession {
  /** Names this run: a gateway that has left it does not come back, so no two runs answer it in turn. */
  readonly session: string = toHex(crypto.randomBytes(32))
  readonly #tools: SpendingTools
  readonly #startedAt: number
  readonly #told = new Map<Ed25519Key, Witnessed>()
  readonly #members = new Map<Ed25519Key, Member>()
  #isOpen = false
  #isClosed = false

  constructor(tools: SpendingTools) {
    this.#tools = tools
    this.#startedAt = tools.monotonic()
  }

  /** What gateways join, signed. */
  offer(): string {
    const { genesis, sign } = this.#tools
    const offer: SpendOffer = { version: 1, genesis, session: this.session }
    return sign(SPENDING_TYPES.offer, offer)
  }

  /**
   * Takes a gateway into the session, in the log first.
   * @throws `KMS_SPENDING_PAUSED` while others are waited for, `KMS_SPENDER_UNKNOWN`, `KMS_SPEND_SESSION`,
   * `KMS_WRONG_GENESIS`, `KMS_SPENDING_FULL`, those of log client and store
   */
  async join(envelope: Uint8Array): Promise<string> {
    const { document, payload, verify } = opened(envelope, SPENDING_TYPES.join, spendJoinDecoder)
    this.#requireHere(document)
    const verifier = this.#members.get(document.gateway)?.verifier ?? verifierOf(document.gateway)
    verify(verifier)
    const isExpected = this.#tools.roster()?.gateways.includes(document.gateway) === true
    if (document.leaves) this.#members.delete(document.gateway)
    // Counts before its receipt is looked at: what it was told, it was told.
    if (isExpected && !this.#isOpen) this.#hear(document)
    if (!document.leaves) await this.#admit(document, verifier)
    await this.#tools.change(() => this.#settle())
    const { ledger, genesis, sign } = this.#tools
    const admission: SpendAdmission = {
      version: 1,
      genesis,
      session: this.session,
      request: documentDigest(payload),
      context: ledger.context!,
      sequence: ledger.durable,
    }
    return sign(SPENDING_TYPES.admission, admission)
  }

  /**
   * Spends what a gateway asks for. The same bytes again get the same answer, and so do the same counter and
   * entries in a later session of the same context.
   * @throws `KMS_SPENDING_PAUSED`, `KMS_SPENDER_UNKNOWN`, `KMS_SPEND_SESSION`, `KMS_SPEND_COUNTER`,
   * `KMS_SPENDING_FULL`, `KMS_WRONG_GENESIS`, those of the store
   */
  async spend(envelope: Uint8Array): Promise<string> {
    const { document, payload, verify } = opened(envelope, SPENDING_TYPES.request, spendRequestDecoder)
    this.#requireHere(document)
    const { ledger, genesis, sign, now } = this.#tools
    verify(this.#requireMember(document).verifier)
    const { gateway, counter, entries, context } = document
    if (context !== ledger.context) throw wrongSession('the context is another')
    const digest = documentDigest({ context, counter, entries })
    const last = ledger.spendOf(gateway)
    if (
      last !== undefined &&
      (counter < last.counter || (counter === last.counter && digest !== last.digest))
    )
      throw kmsError('KMS_SPEND_COUNTER', 'this gateway has counted further, or something else')
    const { mask, sequence } =
      counter === last?.counter ? last : ledger.spend({ gateway, counter, digest, entries }, now())
    await ledger.settle(sequence)
    // It may have ended, or left, or the whole session meanwhile: a roster without it may be in the log by now.
    this.#requireMember(document)
    const answer: SpendAnswer = {
      version: 1,
      genesis,
      session: this.session,
      context,
      request: documentDigest(payload),
      sequence,
      spent: mask,
    }
    return sign(SPENDING_TYPES.answer, answer)
  }

  /** Takes gateways whose receipts have ended out of the roster. Call it every few seconds, inside a change. */
  async tick(): Promise<void> {
    if (!this.#isOpen || this.#isClosed) return
    for (const [gateway, { notAfter }] of this.#members)
      if (notAfter <= this.#tools.now()) this.#members.delete(gateway)
    await this.#settle()
  }

  /**
   * Ends the session: nobody is answered any more, and the log says so, with where the set stands. The next start
   * has nobody to wait for.
   */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#tools.change(async () => {
      if (this.#isOpen && this.#tools.roster()!.gateways.length > 0) await this.#log([])
    })
  }

  #hear({ gateway, context, sequence }: SpendJoin): void {
    const before = this.#told.get(gateway)
    // What was said once stays said: a gateway does not know less later on.
    if (before?.context === context && before.sequence >= sequence) return
    this.#told.set(gateway, { context, sequence })
  }

  async #admit(document: SpendJoin, verifier: PreparedVerifier): Promise<void> {
    const { gateway, receipt } = document
    const { notAfter } = await this.#tools.verifyReceipt(receipt, gateway)
    if (notAfter <= this.#tools.now()) throw unknownSpender('its release receipt has ended')
    if (!this.#members.has(gateway) && this.#members.size >= MAX_SPEND_GATEWAYS)
      throw kmsError('KMS_SPENDING_FULL', 'too many gateways')
    if (!this.#isOpen) this.#hear(document)
    this.#members.set(gateway, {
      verifier,
      notAfter: Math.max(notAfter, this.#members.get(gateway)?.notAfter ?? 0),
    })
  }

  /** Opens the session once that is safe, and has everybody who is answered in the log. */
  async #settle(): Promise<void> {
    if (this.#isClosed) throw paused('this KMS ends')
    const { ledger, roster } = this.#tools
    if (!this.#isOpen) {
      const isOver = this.#tools.monotonic() - this.#startedAt >= RESUME_MS
      const judged = judgeResumption(roster(), ledger, this.#told)
      if (judged === 'wait' && !isOver) throw paused('gateways that may know more have not come yet')
      if (judged !== 'continue') await ledger.begin(toHex(crypto.randomBytes(32)))
    }
    const gateways = [...this.#members.keys()].sort()
    const logged = roster()
    const isLogged = logged?.session === this.session && logged.gateways.join() === gateways.join()
    if (!isLogged) await this.#log(gateways)
    this.#isOpen = true
    ledger.keepOnly(new Set([...this.#members.keys(), ...this.#told.keys()]))
  }

  async #log(gateways: Ed25519Key[]): Promise<void> {
    const { genesis, ledger } = this.#tools
    const [context, sequence] = [ledger.context!, ledger.durable]
    await this.#tools.logRoster({ version: 1, genesis, session: this.session, context, sequence, gateways })
  }

  #requireHere({ genesis, session }: { genesis: Digest; session: string }): void {
    if (genesis !== this.#tools.genesis)
      throw kmsError('KMS_WRONG_GENESIS', 'the document is meant for another KMS')
    if (this.#isClosed) throw paused('this KMS ends')
    if (session !== this.session) throw wrongSession('the session is another')
  }

  #requireMember({ gateway }: SpendRequest): Member {
    if (!this.#isOpen || this.#isClosed) throw paused('this KMS takes no spent tokens now')
    const member = this.#members.get(gateway)
    const isLogged = this.#tools.roster()?.gateways.includes(gateway) === true
    if (member === undefined || !isLogged) throw unknownSpender('it has not joined')
    if (member.notAfter <= this.#tools.now()) throw unknownSpender('its release receipt has ended')
    return member
  }
}

function opened<T extends { gateway: Ed25519Key }>(
  envelope: Uint8Array,
  payloadType: string,
  decoder: Decoder<T>,
): { document: T; payload: Uint8Array; verify: (verifier: PreparedVerifier) => void } {
  const parsed = parseDsse(envelope)
  const document = decodeDocument(parsed.payload, decoder, 'document')
  return {
    document,
    payload: parsed.payload,
    verify(verifier) {
      try {
        verifyDsse(parsed, payloadType, [verifier])
      } catch (cause) {
        throw unknownSpender('the document is not signed by its receipt key', cause)
      }
    },
  }
}

function verifierOf(key: Ed25519Key): PreparedVerifier {
  return prepareVerifier(fromBase64Url(key))
}

function wrongSession(why: string): Error {
  return kmsError('KMS_SPEND_SESSION', `${why}; join the one that is offered`)
}

function paused(why: string): Error {
  return kmsError('KMS_SPENDING_PAUSED', why)
}
