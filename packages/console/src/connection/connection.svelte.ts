import { connect, type ReceiptRecord, type Sotto, VerificationRefused } from '@sotto/client'
import { relayAddresses } from '@sotto/client/trust'
import type { Step, Verdict } from '@sotto/verifier'
import { checkpointStorage, keepReceipt } from '../keep/index.ts'
import { words } from '../words/index.ts'
import { type ConsoleConfig, MAX_CONFIG_BYTES, parseConfig } from './config.ts'
import { openOutlet, type Outlet } from './outlet.ts'
import { type Trouble, troubleOf } from './trouble.ts'

/**
 * - `verifying`: nothing is decided, nothing can be sent
 * - `verified`: every required step passed, and the verdict has not run out
 * - `refused`: a step failed, or a required one was skipped; there is no way around it
 * - `unreachable`: nothing could be decided
 */
export type Phase = 'verifying' | 'verified' | 'refused' | 'unreachable'

const TICK_MS = 1000
/** A verdict is renewed this long before it ends, seconds, so that nobody waits for it. */
const RENEW_SECONDS = 20
const RETRY_MS = 15_000

/** The one connection of this page. The pages send through it, and only while it is verified. */
export class Connection {
  phase = $state<Phase>('verifying')
  steps = $state.raw<readonly Step[]>([])
  /** What the latest verification decided, in force or not; undefined where it decided nothing. */
  verdict = $state.raw<Verdict>()
  /** The trust bundle that it judged, as it was served. */
  bundle = $state.raw<readonly BlobPart[]>()
  trouble = $state.raw<Trouble>()
  config = $state.raw<ConsoleConfig>()
  /** Milliseconds that the last verification took, the download of the bundle among them. */
  tookMs = $state<number>()
  /** The browser keeps nothing: after a reload, another history of the log would not be noticed. */
  isForgetful = $state(false)
  /** Answers since the page was opened, and what their receipts say. */
  latest = $state.raw<ReceiptRecord>()

  #sotto: Sotto | undefined
  #outlet: Outlet | undefined
  #running: Promise<void> | undefined
  /** Ends everything that was opened since the last refusal. */
  #over = new AbortController()
  #retry: ReturnType<typeof setTimeout> | undefined

  /**
   * What sends. @throws `Error` unless verified: whoever asks for it has been told so by the page.
   */
  get sotto(): Sotto {
    if (this.phase !== 'verified' || this.#sotto === undefined) throw new Error(words.gate.verifying)
    return this.#sotto
  }

  /**
   * Verifies from the start. Whoever asks meanwhile waits for the same verification. What is verified serves on until it
   * ends or a step refuses the service; then everything that is on its way ends too.
   */
  verify(): Promise<void> {
    this.#running ??= this.#verify().finally(() => (this.#running = undefined))
    return this.#running
  }

  /** Renews a verdict before it ends; until it is renewed a verdict that has ended is none. */
  tick(now = Date.now() / 1000): void {
    if (this.phase !== 'verified' || this.#sotto === undefined) return
    const { trust } = this.#sotto
    // A request that met another key has verified anew.
    if (trust !== this.verdict) {
      if (!trust.ok) return this.#refuse(new VerificationRefused(trust), this.#outlet)
      this.#show(trust, this.#outlet)
    }
    if (now >= trust.validUntil) this.phase = 'verifying'
    // Where that just failed, it is in force to its end.
    else if (now < trust.validUntil - RENEW_SECONDS || this.trouble !== undefined) return
    void this.verify()
  }

  async #verify(): Promise<void> {
    if (this.phase !== 'verified') this.phase = 'verifying'
    this.trouble = undefined
    const started = performance.now()
    let outlet: Outlet | undefined
    const storage = checkpointStorage(() => (this.isForgetful = true))
    try {
      this.config ??= await readConfig()
      const { relay, gateway, policy } = this.config
      outlet = openOutlet(relayAddresses(relay, gateway).trust, this.#over.signal)
      const { fetch, webSocket } = outlet
      const sotto = await connect(relay, {
        policy,
        gateway,
        fetch,
        webSocket,
        storage,
        onReceipt: (record) => {
          this.latest = record
          if (record.status === 'verified')
            void keepReceipt(record.saved).catch(() => (this.isForgetful = true))
        },
      })
      this.#sotto = sotto
      this.#outlet = outlet
      this.tookMs = performance.now() - started
      this.#show(sotto.trust, outlet)
      this.phase = 'verified'
    } catch (error) {
      // What cannot be decided may be decided later; what was refused stays refused.
      if (troubleOf(error).canRetry) this.#fail(error)
      else this.#refuse(error, outlet)
    }
  }

  #fail(error: unknown): void {
    this.trouble = troubleOf(error)
    // That nothing could be decided takes nothing back.
    if (this.phase === 'verified' && Date.now() / 1000 < this.verdict!.validUntil) return
    this.#sotto = undefined
    this.#show(undefined, undefined)
    this.phase = 'unreachable'
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#again(), RETRY_MS)
  }

  #refuse(error: unknown, outlet: Outlet | undefined): void {
    this.#over.abort(error)
    this.#over = new AbortController()
    this.#sotto = undefined
    this.trouble = troubleOf(error)
    this.#show(error instanceof VerificationRefused ? error.verdict : undefined, outlet)
    this.phase = 'refused'
  }

  #again(): void {
    if (this.phase === 'unreachable') void this.verify()
  }

  #show(verdict: Verdict | undefined, outlet: Outlet | undefined): void {
    this.verdict = verdict
    this.steps = verdict?.steps ?? []
    this.bundle = outlet?.bundle
  }
}

/** Opens the connection of this page and begins to verify. */
export function openConnection(): Connection {
  const connection = new Connection()
  void connection.verify()
  setInterval(() => connection.tick(), TICK_MS)
  addEventListener('online', () => {
    if (connection.phase === 'unreachable') void connection.verify()
  })
  return connection
}

/** Relative to the page: it may lie in any folder. */
async function readConfig(): Promise<ConsoleConfig> {
  const response = await fetch('console.json', { cache: 'no-store' })
  if (!response.ok) throw new Error(words.config.unread(response.status))
  const text = await response.text()
  if (text.length > MAX_CONFIG_BYTES) throw new Error(words.config.long)
  return parseConfig(text)
}
