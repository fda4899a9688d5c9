import type { Kms } from '../core/index.ts'
import { kmsError } from '../errors.ts'
import type { StoreAccess, StoreTerm } from '../store/index.ts'

/** What a replica does in one term as the owner of the store. */
export interface ReplicaHooks {
  /** Starts a KMS over the store of this term; `undefined` when `signal` ended the attempt. */
  start(term: StoreTerm, signal: AbortSignal): Promise<Kms | undefined>
  /** Keeps a started KMS going until `signal` is aborted. @throws what ends it */
  serve(kms: Kms, signal: AbortSignal): Promise<void>
  /** Told why this replica waits, when the reason changes. */
  onStandby(code: string): void
}

/**
 * One of the processes that share a store: it serves while it owns the store and waits otherwise. Nothing of one
 * term is used in the next: whoever takes over reads everything again.
 */
export class Replica {
  readonly #access: StoreAccess
  readonly #hooks: ReplicaHooks
  #kms: Kms | undefined
  #term: StoreTerm | undefined
  #isStandby = false

  constructor(access: StoreAccess, hooks: ReplicaHooks) {
    this.#access = access
    this.#hooks = hooks
  }

  /** The KMS, while this replica serves. */
  get kms(): Kms | undefined {
    return this.#kms
  }

  /** Whether another replica serves, as far as this one knows. */
  get isStandby(): boolean {
    return this.#isStandby
  }

  /**
   * Waits and serves in turn until `signal` is aborted. A store that is not shared is served once.
   * @throws what no other term would change: the store's own errors, `KMS_STATE_ROLLED_BACK`, and `KMS_FENCED`
   * when another KMS runs over a copy of this store
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) await this.#serve(await this.#wait(signal), signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Gives the store up, so that another replica takes over at once. Call it when {@link run} was told to end. */
  async close(): Promise<void> {
    if (this.#access.isShared) await this.#term?.end()
  }

  async #wait(signal: AbortSignal): Promise<StoreTerm> {
    this.#isStandby = this.#access.isShared
    let reported: string | undefined
    const term = await this.#access.acquire(signal, (code) => {
      if (code !== reported) this.#hooks.onStandby((reported = code))
    })
    this.#isStandby = false
    return term
  }

  async #serve(term: StoreTerm, signal: AbortSignal): Promise<void> {
    this.#term = term
    const lost = new AbortController()
    void term.ended.then(() => {
      this.#isStandby = this.#access.isShared
      this.#kms?.stop(kmsError('KMS_STANDBY', 'another replica took over'))
      this.#kms = undefined
      lost.abort()
    })
    const over = AbortSignal.any([signal, lost.signal])
    try {
      this.#kms = await this.#hooks.start(term, over)
      if (over.aborted) this.#kms = undefined
      if (this.#kms !== undefined) await this.#hooks.serve(this.#kms, over)
    } catch (error) {
      // A replica that was replaced meets its successor in the log; that is how it should be.
      if (await isStillOurs(term)) throw error
    } finally {
      if (!signal.aborted) {
        this.#kms = undefined
        await this.close()
      }
    }
  }
}

async function isStillOurs(term: StoreTerm): Promise<boolean> {
  try {
    await term.confirm()
    return true
  } catch {
    return false
  }
}
