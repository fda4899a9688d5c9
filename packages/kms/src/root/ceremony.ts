import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  bindRecovery,
  CUSTODY_TYPES,
  openReleasedShare,
  openShareSet,
  type RecoveryBinding,
  type RecoveryRequest,
  type RecoverySession,
  type RecoveryShare,
  type Share,
} from '@sotto/protocol/custody'
import { signDsse } from '@sotto/protocol/dsse'
import type { KemPrivateKey } from '@sotto/protocol/hpke'
import { encodeDocument, type LoggedStatement, WRAP_SUITE } from '@sotto/protocol/keyrelease'
import type { LogClient, WitnessedCheckpoint } from '@sotto/serve/log-client'
import type { TrustedHardware } from '@sotto/serve/tee'
import type { KmsClock } from '../clock/index.ts'
import { kmsError } from '../errors.ts'
import type { LoggedShareSet, RootHistory } from '@sotto/verifier/custody'
import { deriveRoot } from './secret.ts'
import type { Recovered } from './types.ts'

/** How much of a custodian's answer the ceremony tells. */
export interface RecoveryProgress {
  /** Indexes received so far. */
  received: number[]
  threshold: number
}

/** What a ceremony works with. */
export interface CeremonyParts {
  history: RootHistory
  /** Entries below this index are in `history`. */
  scanned: number
  log: LogClient
  hardware: TrustedHardware
  clock: KmsClock
}

/** A recovered secret. */
export interface RecoveredSecret {
  secret: Uint8Array
  recovered: Recovered
}

/**
 * A KMS without its root secret asks k custodians for their shares. The key they are sealed to lives in this
 * session, in memory; every share is compared with what the logged set commits to, so that a wrong one is
 * named and spoils nothing. A KMS that ends in the middle begins a new session, and shares are sent again.
 */
export class RecoveryCeremony {
  readonly #parts: CeremonyParts
  readonly #key: KemPrivateKey
  readonly #session: RecoverySession
  readonly #statement: LoggedStatement
  #scanned: number
  #set: LoggedShareSet
  #document: RecoveryRequest | undefined
  readonly #shares = new Map<number, { share: Share; forgetStore: boolean }>()
  #isDone = false
  readonly #done = Promise.withResolvers<RecoveredSecret>()

  private constructor(
    parts: CeremonyParts,
    key: KemPrivateKey,
    session: RecoverySession,
    statement: LoggedStatement,
  ) {
    this.#parts = parts
    this.#key = key
    this.#session = session
    this.#statement = statement
    this.#scanned = parts.scanned
    this.#set = requireShares(parts.history)
  }

  /**
   * Begins a session: its key is logged first, so that what is then read of the log is no older than it (T11).
   * @throws `KMS_NO_SHARES`, those of log client and hardware
   */
  static async begin(parts: CeremonyParts): Promise<RecoveryCeremony> {
    const key = WRAP_SUITE.kem.generate()
    const session: RecoverySession = {
      version: 1,
      genesis: parts.history.digest,
      recoveryKey: toBase64Url(key.publicKey),
      nonce: toBase64Url(crypto.randomBytes(32)),
    }
    const { seed, publicKey } = crypto.ed25519.generate()
    const signer = { publicKey, secretSeed: seed }
    const envelope = signDsse(CUSTODY_TYPES.recoverySession, encodeDocument(session), [signer])
    seed.fill(0)
    const { index, checkpoint } = await parts.log.append(envelope)
    const statement = { envelope: fromUtf8(envelope), index }
    const ceremony = new RecoveryCeremony(parts, key, session, statement)
    await ceremony.#renew(checkpoint)
    return ceremony
  }

  /** Resolves when enough shares came. */
  get done(): Promise<RecoveredSecret> {
    return this.#done.promise
  }

  /** What custodians are shown. */
  get document(): RecoveryRequest {
    return { ...this.#document!, received: this.#progress().received }
  }

  /** Binds newer evidence to a newer checkpoint; a newer share set makes the shares received so far worthless. */
  async renew(): Promise<void> {
    await this.#renew(await this.#parts.log.latest())
  }

  /**
   * Takes one custodian's share.
   * @throws `KMS_WRONG_GENESIS`, `KMS_SHARE_STALE`, `KMS_SHARE_FOREIGN`, `KMS_SHARE_DUPLICATE`, `KMS_NOT_WAITING`,
   * `KMS_ROOT_MISMATCH`
   */
  submit(answer: RecoveryShare): RecoveryProgress {
    const { document } = this.#set
    if (this.#isDone) throw kmsError('KMS_NOT_WAITING', 'enough shares are here already')
    if (answer.genesis !== this.#session.genesis)
      throw kmsError('KMS_WRONG_GENESIS', 'the share is of another KMS')
    if (answer.generation !== document.generation)
      throw stale('the share is of another generation', `${document.generation}`, `${answer.generation}`)
    if (answer.nonce !== this.#session.nonce) throw stale('the share is for another session of this KMS')
    if (this.#shares.get(answer.index)?.forgetStore === answer.forgetStore)
      throw kmsError('KMS_SHARE_DUPLICATE', 'this custodian’s share is here already', {
        found: `share ${answer.index}`,
      })
    this.#shares.set(answer.index, { share: this.#open(answer), forgetStore: answer.forgetStore })
    if (this.#shares.size >= document.threshold) this.#combine()
    return this.#progress()
  }

  #open(answer: RecoveryShare): Share {
    try {
      return openReleasedShare(this.#set.document, answer, this.#key)
    } catch (cause) {
      throw kmsError('KMS_SHARE_FOREIGN', 'this is not the share the logged set commits to', {
        expected: `share ${answer.index} of generation ${answer.generation}`,
        cause,
      })
    }
  }

  #combine(): void {
    const { document } = this.#set
    const chosen = [...this.#shares.values()].slice(0, document.threshold)
    const shares = chosen.map(({ share }) => share)
    const secret = openShareSet(document, shares)
    const { rootKey } = deriveRoot(secret)
    if (rootKey !== document.rootKey || rootKey !== this.#parts.history.rootKey) {
      secret.fill(0)
      this.#forgetShares()
      throw kmsError('KMS_ROOT_MISMATCH', 'the combined secret is not that of the root key in force')
    }
    const agreed = [...this.#shares.values()].filter(({ forgetStore }) => forgetStore).length
    const recovered: Recovered = {
      history: this.#parts.history,
      nonce: this.#session.nonce,
      generation: document.generation,
      indexes: shares.map(({ index }) => index),
      forgetStore: agreed >= document.threshold,
    }
    for (const { share } of this.#shares.values()) share.value.fill(0)
    this.#isDone = true
    this.#done.resolve({ secret, recovered })
  }

  async #renew(checkpoint: WitnessedCheckpoint): Promise<void> {
    const { history, log, hardware, clock } = this.#parts
    clock.observe(checkpoint.time)
    for await (const { index, entry } of log.entries(this.#scanned, checkpoint.size, checkpoint))
      history.read(index, entry)
    this.#scanned = checkpoint.size
    const set = requireShares(history)
    if (set.document.generation !== this.#set.document.generation) this.#forgetShares()
    this.#set = set
    const binding: RecoveryBinding = { ...this.#session, checkpoint: checkpoint.digest }
    const evidence = await hardware.collectEvidence(bindRecovery(binding))
    this.#document = {
      genesis: history.genesis!,
      roots: history.roots,
      certificate: set.certificate,
      shareSet: set.statement,
      session: this.#statement,
      releases: history.releases,
      evidence,
      binding,
      boundCheckpoint: checkpoint.note,
      received: [],
    }
  }

  #forgetShares(): void {
    for (const { share } of this.#shares.values()) share.value.fill(0)
    this.#shares.clear()
  }

  #progress(): RecoveryProgress {
    const received = [...this.#shares.keys()].sort((a, b) => a - b)
    return { received, threshold: this.#set.document.threshold }
  }
}

function requireShares(history: RootHistory): LoggedShareSet {
  const set = history.shareSet
  if (set !== undefined) return set
  throw kmsError('KMS_NO_SHARES', 'the log holds no shares of the root secret of this genesis', {
    expected: history.digest,
    hint: 'Check expectGenesis and the log that is configured.',
  })
}

function stale(message: string, expected?: string, found?: string): Error {
  return kmsError('KMS_SHARE_STALE', message, {
    ...(expected !== undefined && { expected: `generation ${expected}` }),
    ...(found !== undefined && { found: `generation ${found}` }),
    hint: 'Ask this KMS again for its recovery request.',
  })
}
