import { connect, type ReceiptRecord, type Sotto, VerificationRefused } from '@sotto/client'
import type { Step, Verdict } from '@sotto/verifier'
import { checkpointStorage, keepReceipt } from '../keep/index.ts'
import { type ConsoleConfig, MAX_CONFIG_BYTES, parseConfig } from './config.ts'
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
  /** The latest verdict, in force or not. */
  verdict = $state.raw<Verdict>()
  trouble = $state.raw<Trouble>()
  config = $state.raw<ConsoleConfig>()
  /** Milliseconds that the last verification took, the download of the bundle among them. */
  tookMs = $state<number>()
  /** The browser keeps nothing: after a reload, another history of the log would not be noticed. */
  isForgetful = $state(false)
  /** Answers since the page was opened, and what their receipts say. */
  latest = $state.raw<ReceiptRecord>()

  #sotto: Sotto | undefined
  #running: Promise<void> | undefined

  /**
   * What sends. @throws `Error` unless verified: whoever asks for it has been told so by the page.
   */
  get sotto(): Sotto {
    if (this.phase !== 'verified' || this.#sotto === undefined) throw new Error('nothing is verified')
    return this.#sotto
  }

  /** Verifies from the start. Whoever asks meanwhile waits for the same verification. */
  verify(): Promise<void> {
    this.#running ??= this.#verify().finally(() => (this.#running = undefined))
    return this.#running
  }

  /** Renews a verdict before it ends; until it is renewed a verdict that has ended is none. */
  tick(now = Date.now() / 1000): void {
    if (this.verdict === undefined || this.phase !== 'verified') return
    if (now >= this.verdict.validUntil) this.phase = 'verifying'
    if (now >= this.verdict.validUntil - RENEW_SECONDS) void this.verify()
  }

  async #verify(): Promise<void> {
    if (this.phase !== 'verified') this.phase = 'verifying'
    this.trouble = undefined
    const started = performance.now()
    try {
      this.config ??= await readConfig()
      const { relay, gateway, policy } = this.config
      const found: Step[] = []
      const sotto = await connect(relay, {
        policy,
        gateway,
        storage: checkpointStorage(() => (this.isForgetful = true)),
        onStep: (step) => {
          found.push(step)
          this.steps = [...found]
        },
        onReceipt: (record) => {
          this.latest = record
          if (record.status === 'verified') void keepReceipt(record.saved).catch(() => undefined)
        },
      })
      this.#sotto = sotto
      this.tookMs = performance.now() - started
      this.#show(sotto.trust)
      this.phase = 'verified'
    } catch (error) {
      this.#sotto = undefined
      if (error instanceof VerificationRefused) this.#show(error.verdict)
      this.trouble = troubleOf(error)
      // What cannot be decided may be decided later; what was refused stays refused.
      this.phase = this.trouble.canRetry ? 'unreachable' : 'refused'
      if (this.phase === 'unreachable') setTimeout(() => void this.#again(), RETRY_MS)
    }
  }

  #again(): void {
    if (this.phase === 'unreachable') void this.verify()
  }

  #show(verdict: Verdict): void {
    this.verdict = verdict
    this.steps = verdict.steps
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
  if (!response.ok) throw new Error(`console.json cannot be read: ${response.status}`)
  const text = await response.text()
  if (text.length > MAX_CONFIG_BYTES) throw new Error('console.json is too long')
  return parseConfig(text)
}
