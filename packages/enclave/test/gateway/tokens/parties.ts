import { beforeAll } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import {
  formatAuthorization,
  importTokenKey,
  parseChallenges,
  prepareToken,
  type Token,
} from '@sotto/protocol/tokens'
import {
  createMemorySpentSet,
  createTokenGate,
  type SpentSet,
  type TokenGate,
} from '../../../src/gateway/tokens/index.ts'
import { generateTokenKey, openSigningKey, type SigningKey } from '../../../../edge/src/issuer/blind-sign.ts'

/** A gate whose clock, keys and spent set a test has in its hands. */
export interface TestGate {
  gate: TokenGate
  clock: { now: number }
  /** Whether the issuer was heard lately. */
  issuer: { isHeard: boolean }
  challenge: Uint8Array
  /** Buys a token of a key. */
  token(signing?: SigningKey, challenge?: Uint8Array): Token
  authorization(token?: Token): string
}

export const signing: { own: SigningKey; bulk: SigningKey; foreign: SigningKey } = {} as never

/** Keys are slow to make: once a file. */
export function makeKeys(): void {
  beforeAll(async () => {
    for (const name of ['own', 'bulk', 'foreign'] as const)
      signing[name] = openSigningKey((await generateTokenKey()).pkcs8)
  })
}

/** What a gate answers, once the token it was brought is spent. */
export async function admit(
  { gate }: Pick<TestGate, 'gate'>,
  authorization?: string,
  [method, path] = ['POST', '/v1/chat/completions'] as const,
): Promise<Response | undefined> {
  const admitted = gate.admit(method, path, authorization)
  if (admitted instanceof Response) return admitted
  await admitted?.spent
  return undefined
}

export function openGate(
  options: { spent?: SpentSet; burst?: number; perSecond?: number; context?: Uint8Array } = {},
): TestGate {
  const clock = { now: 10_000 }
  const issuer = { isHeard: true }
  const memory = createMemorySpentSet({ maxEntries: 1000, now: () => clock.now })
  const limit = { burst: options.burst ?? 1000, perSecond: options.perSecond ?? 1000 }
  const keys = new Map(
    [
      { className: 'standard', key: signing.own.key },
      { className: 'bulk', key: signing.bulk.key },
    ].map((one) => [
      toHex(one.key.id),
      { ...one, notBefore: 9000, notAfter: 20_000, verifying: importTokenKey(one.key) },
    ]),
  )
  const gate = createTokenGate({
    issuerName: 'issuer.example',
    spendContext: () => options.context ?? memory.context(),
    spent: options.spent ?? memory.set,
    keys: { find: (id) => keys.get(toHex(id)), isCurrent: () => issuer.isHeard },
    classes: { standard: limit },
    now: () => clock.now,
  })
  const { challenge } = parseChallenges(gate.wwwAuthenticate)[0]!
  const token = ({ key, sign } = signing.own, of = challenge): Token => {
    const pending = prepareToken(key, of)
    return pending.finish(sign(pending.blindedMessage))
  }
  return { gate, clock, issuer, challenge, token, authorization: (one = token()) => formatAuthorization(one) }
}
