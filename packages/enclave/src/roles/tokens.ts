import { fromBase64Url } from '@sotto/protocol/bytes'
import { CLASS_NAME, ISSUER_NAME, MAX_CLASSES } from '@sotto/protocol/tokens'
import type { PreparedSigner } from '@sotto/protocol/dsse'
import type { Digest, LoggedStatement } from '@sotto/protocol/keyrelease'
import { type Decoder, httpUrl, integer, object, oneOf, table, text } from '@sotto/serve/config'
import type { LogClient } from '@sotto/serve/log-client'
import { pause } from '../pause/index.ts'
import {
  type ClassLimit,
  type ContextualSpentSet,
  createIssuerKeySource,
  createKmsSpentSet,
  createMemorySpentSet,
  createTokenGate,
  type SpendingTransport,
  type TokenGate,
} from '../gateway/tokens/index.ts'

/** Whose tokens are taken, and how many. Measured like the rest of the configuration. */
export interface TokensConfig {
  /** `name`: of the challenge; `key`: Ed25519 key of its statements, base64url, as `issuer --print-key` says it. */
  issuer: { name: string; url: string; key: string }
  /** Accepted classes with the rate of each: at most 16. */
  classes: Record<string, ClassLimit>
  /**
   * Where spent tokens are remembered. `kms`, the default: at the KMS, for all its gateways, and tokens stay valid
   * when one of them starts again. `memory`: by this gateway alone, until it ends.
   */
  spentSet: 'kms' | 'memory'
  /** With `memory`: spent tokens that are remembered; more are refused until a key ends. Default 1000000, about 60 MB. */
  maxSpent: number
}

/** 16 million are as many as one set of the engine holds. */
const MAX_SPENT = 16_000_000

/** Decodes the `tokens` of an enclave's configuration. @throws `CONFIG_INVALID` */
export const tokensConfig: Decoder<TokensConfig> = object((fields) => ({
  issuer: fields.required(
    'issuer',
    object((issuer) => ({
      name: issuer.required('name', text({ pattern: ISSUER_NAME })),
      url: issuer.required('url', httpUrl),
      // 32 bytes, the last character without stray bits.
      key: issuer.required('key', text({ pattern: /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/ })),
    })),
  ),
  classes: fields.required('classes', table(CLASS_NAME, classLimit, 1, MAX_CLASSES)),
  spentSet: fields.optional('spentSet', oneOf('kms', 'memory'), 'kms'),
  maxSpent: fields.optional('maxSpent', integer(1000, MAX_SPENT), 1_000_000),
}))

const MAX_RATE = 1_000_000

function classLimit(value: unknown, path: string): ClassLimit {
  return object((limit) => ({
    perSecond: limit.required('perSecond', integer(1, MAX_RATE)),
    burst: limit.required('burst', integer(1, MAX_RATE)),
  }))(value, path)
}

/** What the gate of a role rests on. */
export interface TokensContext {
  log: LogClient
  /** Unix seconds on a clock that never goes back. */
  now: () => number
  kms: SpendingTransport
  genesis: Digest
  /** Certified by the KMS at release. */
  receiptKey: PreparedSigner
  /** The newest receipt of a release. */
  receipt: () => LoggedStatement | undefined
  /** The statement key of the KMS, verified now. */
  statementKey: () => Promise<Uint8Array>
}

/** A gate with everything behind it. */
export interface OpenedTokens {
  gate: TokenGate
  /** Learns the issuer's keys; called on a timer. @throws as {@link createIssuerKeySource} */
  refresh(): Promise<void>
  /** Keeps in touch with the spent set; see {@link watchForever}. @throws as `KmsSpentSet.tick` */
  watch(): Promise<void>
  /** Ends this gateway's part in the spent set. */
  leave(): Promise<void>
}

/** A KMS that starts waits for its gateways for 30 s: several looks fit into that. */
const WATCH_SECONDS = 5

/** Opens the gate of one gateway. */
export function openTokens(config: TokensConfig, context: TokensContext): OpenedTokens {
  const { issuer, classes } = config
  const { log, now } = context
  const keys = createIssuerKeySource({
    url: issuer.url,
    name: issuer.name,
    issuerKey: fromBase64Url(issuer.key),
    log,
    now,
  })
  const spent = openSpentSet(config, context)
  const gate = createTokenGate({
    issuerName: issuer.name,
    spendContext: () => spent.context(),
    spent: spent.set,
    keys,
    classes,
    now,
  })
  return { gate, refresh: () => keys.refresh(), watch: () => spent.tick(), leave: () => spent.leave() }
}

function openSpentSet(
  { spentSet, maxSpent }: TokensConfig,
  { now, kms, genesis, receiptKey: signer, receipt, statementKey }: TokensContext,
): ContextualSpentSet & { tick(): Promise<void>; leave(): Promise<void> } {
  if (spentSet === 'kms') return createKmsSpentSet({ kms, genesis, signer, receipt, statementKey })
  const done = (): Promise<void> => Promise.resolve()
  return { ...createMemorySpentSet({ maxEntries: maxSpent, now }), tick: done, leave: done }
}

/** Looks for another session of the spent set: more often than for keys, because the KMS waits for it. */
export async function watchForever(
  tokens: Pick<OpenedTokens, 'watch'>,
  isEnding: () => boolean,
  report: (error: unknown) => void,
): Promise<void> {
  while (!isEnding()) {
    await pause(WATCH_SECONDS * 1000)
    if (!isEnding()) await tokens.watch().catch(report)
  }
}
