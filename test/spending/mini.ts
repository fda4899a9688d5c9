import { crypto } from '@sotto/protocol/crypto-backend'
import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { prepareSigner, signDsse } from '@sotto/protocol/dsse'
import { SottoError } from '@sotto/protocol/errors'
import { encodeDocument, type ReleaseReceipt } from '@sotto/protocol/keyrelease'
import type { SpendRoster } from '@sotto/protocol/spending'
import { createKmsSpentSet, type KmsSpentSet } from '../../packages/enclave/src/gateway/tokens/index.ts'
import { kmsError } from '../../packages/kms/src/errors.ts'
import { SpendingSession, SpentLedger } from '../../packages/kms/src/spent/index.ts'
import type { MemoryStore } from '../../packages/kms/test/store/memory.ts'

const GENESIS = 'ab'.repeat(32)
/** One key for every run: that they follow the statement key is tested with the whole KMS. */
const STATEMENT = crypto.ed25519.generate()
const signer = prepareSigner({ secretSeed: STATEMENT.seed, publicKey: STATEMENT.publicKey })

/** One run of the KMS, as far as it spends: its starts and rosters are in a log that all runs share. */
export interface Run {
  session: SpendingSession
  store: MemoryStore
}

type Entry = { start: string } | { roster: SpendRoster }

/** Many runs of one KMS, over stores that somebody turns back, and the gateways that reach one or the other. */
export class Mini {
  readonly log: Entry[] = []
  readonly runs: Run[] = []
  now = 1_800_000_000

  get newest(): Run {
    return this.runs.at(-1)!
  }

  /** Starts over `store`; runs before stay alive. */
  async start(store: MemoryStore): Promise<Run> {
    const name = String(this.runs.length)
    this.log.push({ start: name })
    // As `readHistory` does: the whole log, to where this start is in it.
    let roster = this.#lastRoster()
    let line: Promise<unknown> = Promise.resolve()
    const run: Run = {
      store,
      session: new SpendingSession({
        genesis: GENESIS,
        ledger: await SpentLedger.open(store),
        roster: () => roster,
        logRoster: async (document) => {
          this.log.push({ roster: document })
          await turn()
          const starts = this.log.flatMap((entry) => ('start' in entry ? [entry.start] : []))
          if (starts.at(-1) !== name) throw kmsError('KMS_FENCED', 'another one has started')
          roster = this.#lastRoster()
        },
        verifyReceipt: async (_, gateway) =>
          ({ receiptKey: gateway, notAfter: this.now + 1_000_000 }) as ReleaseReceipt,
        sign: (type, document) => fromUtf8(signDsse(type, encodeDocument(document), [signer])),
        change(work) {
          const next = line.then(work)
          line = next.catch(() => undefined)
          return next
        },
        now: () => this.now,
        monotonic: () => this.now * 1000,
      }),
    }
    this.runs.push(run)
    return run
  }

  #lastRoster(): SpendRoster | undefined {
    return this.log.flatMap((entry) => ('roster' in entry ? [entry.roster] : [])).at(-1)
  }
}

/** One boot of a gateway. */
export interface MiniGateway {
  set: KmsSpentSet
  /** Which run it reaches. */
  reaches: Run
  /** What becomes of the next exchange, if it does not arrive. */
  next: Fate | undefined
}

/** `late`: the request arrives when its sender has given it up. */
export type Fate = 'request lost' | 'answer lost' | 'late'

export function openMiniGateway(mini: Mini): MiniGateway {
  const { seed, publicKey } = crypto.ed25519.generate()
  async function carry(send: (run: Run) => Promise<string> | string): Promise<Uint8Array> {
    const { reaches, next: fate } = gateway
    gateway.next = undefined
    await turn()
    if (fate === 'request lost') throw unreachable()
    if (fate === 'late') {
      setTimeout(() => void Promise.resolve(send(reaches)).catch(() => undefined), 3)
      throw unreachable()
    }
    const answer = await send(reaches)
    if (fate === 'answer lost') throw unreachable()
    return new TextEncoder().encode(answer)
  }
  const gateway: MiniGateway = {
    reaches: mini.newest,
    next: undefined,
    set: createKmsSpentSet({
      kms: {
        offer: () => carry(({ session }) => session.offer()),
        join: (envelope) => carry(({ session }) => session.join(envelope)),
        spend: (envelope) => carry(({ session }) => session.spend(envelope)),
      },
      genesis: GENESIS,
      signer: prepareSigner({ secretSeed: seed, publicKey }),
      receipt: () => ({ envelope: toBase64Url(publicKey), index: 0 }),
      statementKey: () => Promise.resolve(STATEMENT.publicKey),
      holdMs: 8,
      retryMs: 1,
    }),
  }
  return gateway
}

/** A later step of the event loop: other work comes in between. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** As the client of the KMS reports it. */
function unreachable(): Error {
  return new SottoError('RELEASE_KMS_UNREACHABLE', 'retry', 'the KMS does not answer')
}
