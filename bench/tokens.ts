/**
 * CPU of issuing and of redeeming one token, beside the bare RSA operation of the same run: what is added to it is
 * ours. Gates: 0.5 ms to issue, 0.1 ms to redeem. Then what token and receipt add to a request, with the spent set of a
 * KMS in a process of its own: gate 1 ms, for a request of 10 ms, which begins while its token is being spent.
 */
import { constants, createPrivateKey, privateEncrypt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  encodeBatchRequest,
  formatAuthorization,
  importTokenKey,
  parseChallenges,
  prepareToken,
  type Token,
  verifyToken,
} from '@sotto/protocol/tokens'
import { createMemorySpentSet, createTokenGate } from '../packages/enclave/src/gateway/tokens/index.ts'
import { openCharges } from '../packages/edge/src/issuer/charges.ts'
import { openAccounts } from '../packages/edge/src/issuer/accounts.ts'
import { createIssuerApp } from '../packages/edge/src/issuer/app.ts'
import { generateTokenKey, openIssuerDatabase, openSigningKey } from '../packages/edge/src/issuer/index.ts'
import { measureTokenLatency, redeemed, WORK_MS } from './support/token-latency.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const ROUNDS = Number(values.rounds)
const BATCHES = 6
const BATCH = 64
const ISSUE_GATE_MS = 0.5
const REDEEM_GATE_MS = 0.1
const ADDED_GATE_MS = 1

const folder = mkdtempSync(join(tmpdir(), 'sotto-bench-tokens-'))
const database = openIssuerDatabase(join(folder, 'issuer.db'))
const now = (): number => 1_800_000_000
const accounts = openAccounts(database, now)
const charges = openCharges(database, now)
const { pkcs8 } = await generateTokenKey()
const signing = openSigningKey(pkcs8)
const rawKey = {
  key: createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }),
  padding: constants.RSA_NO_PADDING,
}
const { id } = accounts.create('bench')
accounts.setQuota(id, { class: 'standard', tokens: 1e9, period: 'month' })
const { secret } = accounts.addKey(id, null)
const stored = {
  ...signing,
  className: 'standard',
  truncatedId: signing.key.id.at(-1)!,
  notBefore: 0,
  notAfter: 2e9,
}
const issuer = createIssuerApp({ keys: { directory: undefined, find: () => stored }, accounts, charges })
const verifying = importTokenKey(signing.key)

/** Gates that take the same tokens, and remember each for itself. */
const context = crypto.randomBytes(32)
const GATES = 12

function openGate(): ReturnType<typeof createTokenGate> {
  const { set } = createMemorySpentSet({ maxEntries: 1e6, now })
  return createTokenGate({
    issuerName: 'issuer.example',
    spendContext: () => context,
    spent: set,
    keys: { find: () => ({ ...stored, verifying }), isCurrent: () => true },
    classes: { standard: { perSecond: 1e6, burst: 1e6 } },
    now,
  })
}

const results = {
  issue: [] as number[],
  sign: [] as number[],
  redeem: [] as number[],
  verify: [] as number[],
  buy: [] as number[],
}
for (let round = 0; round < ROUNDS; round++) {
  const gates = Array.from({ length: GATES }, openGate)
  const { challenge } = parseChallenges(gates[0]!.wwwAuthenticate)[0]!
  const pending = await cpu('buy', BATCH, () =>
    Array.from({ length: BATCH }, () => prepareToken(signing.key, challenge)),
  )
  const orders = Array.from({ length: BATCHES }, () => {
    const requests = pending.map(() => {
      // Another number below the modulus each time: what is charged is new.
      const blindedMessage = crypto.randomBytes(256)
      blindedMessage[0] = 0
      return { truncatedKeyId: stored.truncatedId, blindedMessage }
    })
    return encodeBatchRequest(requests)
  })
  await cpu('issue', BATCHES * BATCH, async () => {
    for (const body of orders) {
      const headers = {
        authorization: `Bearer ${secret}`,
        'content-type': 'application/private-token-generic-batch-request',
      }
      const response = await issuer(
        new Request('http://issuer/token-request', {
          method: 'POST',
          headers,
          body: body as Uint8Array<ArrayBuffer>,
        }),
      )
      if (response.status !== 200) throw new Error(await response.text())
      await response.bytes()
    }
  })
  await cpu('sign', BATCH, () =>
    pending.forEach(({ blindedMessage }) => privateEncrypt(rawKey, blindedMessage)),
  )
  const tokens: Token[] = pending.map((one) => one.finish(signing.sign(one.blindedMessage)))
  const fields = tokens.map(formatAuthorization)
  await cpu('redeem', GATES * BATCH, async () => {
    for (const gate of gates) for (const field of fields) await redeemed(gate, field)
  })
  await cpu('verify', GATES * BATCH, () => {
    for (let i = 0; i < GATES; i++) for (const token of tokens) verifyToken(token, verifying)
  })
}
const keys = { find: () => ({ ...stored, verifying }), isCurrent: () => true }
const added = await measureTokenLatency(folder, signing, { keys, now })
database.close()
rmSync(folder, { recursive: true })

const best = Object.fromEntries(
  Object.entries(results).map(([name, all]) => [name, Math.min(...all)]),
) as Record<keyof typeof results, number>
if (values.json)
  console.log(
    JSON.stringify({
      milliseconds: best,
      ratios: { issue: best.issue / best.sign, redeem: best.redeem / best.verify },
      added,
    }),
  )
else {
  print(
    'issue one of 64, charged durably',
    best.issue,
    best.issue / best.sign,
    'bare RSA private operation',
    ISSUE_GATE_MS,
  )
  print(
    'redeem: parse, verify, spend',
    best.redeem,
    best.redeem / best.verify,
    'bare verification',
    REDEEM_GATE_MS,
  )
  console.log(`client, in the background: blind one ${best.buy.toFixed(3)} ms`)
  const verdict = added.besideWorkMs <= ADDED_GATE_MS ? 'holds' : 'MISSED'
  const ms = (name: keyof typeof added): string => added[name].toFixed(2)
  console.log(
    `token at the KMS, and receipt: add ${ms('besideWorkMs')} ms to a request of ${WORK_MS} ms, which begins meanwhile (median; ` +
      `gate ${ADDED_GATE_MS} ms ${verdict}); one that takes no time waits ${ms('aloneMs')} ms (quickest tenth ${ms('aloneBestMs')} ms), of these receipt ${ms('receiptMs')} ms, commit ${ms('commitMs')} ms, and of that a ` +
      `durable write ${ms('writeMs')} ms; an empty HTTP request there and back ${ms('echoMs')} ms`,
  )
  console.log(
    `CPU of one alone: gateway ${ms('gatewayCpuMs')} ms, KMS ${ms('kmsCpuMs')} ms; ` +
      `of one of 64 at once: gateway ${ms('gatewayCpuOf64Ms')} ms, KMS ${ms('kmsCpuOf64Ms')} ms, all let in after ${ms('togetherMs')} ms`,
  )
}
if (
  values.check &&
  (best.issue > ISSUE_GATE_MS || best.redeem > REDEEM_GATE_MS || added.besideWorkMs > ADDED_GATE_MS)
)
  process.exitCode = 1

/** Processor time of one item, milliseconds; the best round counts. */
async function cpu<T>(name: keyof typeof results, items: number, run: () => T | Promise<T>): Promise<T> {
  const start = process.cpuUsage()
  const result = await run()
  const { user, system } = process.cpuUsage(start)
  results[name].push((user + system) / 1000 / items)
  return result
}

function print(what: string, ms: number, ratio: number, peer: string, gate: number): void {
  const verdict = ms <= gate ? 'holds' : 'MISSED'
  console.log(
    `${what.padEnd(34)} ${ms.toFixed(3)} ms CPU, ${ratio.toFixed(2)} x ${peer}; gate ${gate} ms ${verdict}`,
  )
}
