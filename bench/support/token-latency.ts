import { fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { prepareSigner, type PreparedSigner } from '@sotto/protocol/dsse'
import { formatAuthorization, parseChallenges, prepareToken } from '@sotto/protocol/tokens'
import type { SigningKey } from '../../packages/edge/src/issuer/blind-sign.ts'
import { draftReceipt } from '../../packages/enclave/src/gateway/receipt.ts'
import {
  answerOnceSpent,
  createKeptFetch,
  createKmsSpentSet,
  createTokenGate,
  type Redemption,
  type TokenGate,
} from '../../packages/enclave/src/gateway/tokens/index.ts'
import { createKmsClient } from '../../packages/enclave/src/release/kms-client.ts'
import { percentile } from './stats.ts'

/** Of one request, milliseconds; medians where nothing else is said. */
export interface TokenLatency {
  /** Token and receipt of a request that comes alone. */
  aloneMs: number
  /** The quickest tenth of them, where neighbours of this machine disturb least. */
  aloneBestMs: number
  /** What both add to a request of {@link WORK_MS}, which begins while its token is being spent. */
  besideWorkMs: number
  /** 64 at once: until the last of them is let in. */
  togetherMs: number
  receiptMs: number
  /** In the same seconds: an HTTP request of this size to the same process and back, without anything behind it. */
  echoMs: number
  /** What the KMS does to have a spend durable; and one block written and synchronised, the least of it. */
  commitMs: number
  writeMs: number
  /** Processor time, of a request alone and of one of 64. */
  gatewayCpuMs: number
  kmsCpuMs: number
  gatewayCpuOf64Ms: number
  kmsCpuOf64Ms: number
}

const GENESIS = 'ab'.repeat(32)
/** Requests before anything is measured: code that runs the first time is compiled first. */
const WARM_UP = 150
const ALONE = 120
const BATCH = 64
/** As long as the first token of a small model takes, or a sentence to embed. */
export const WORK_MS = 10
const BATCHES = 4

/** What token and receipt add to a request, the KMS in another process, its store in `folder`. */
export async function measureTokenLatency(
  folder: string,
  signing: SigningKey,
  gateOptions: Pick<Parameters<typeof createTokenGate>[0], 'keys' | 'now'>,
): Promise<TokenLatency> {
  const kms = fork(join(import.meta.dirname, 'spending-kms.ts'), [folder])
  const [{ url, key }] = (await once(kms, 'message')) as [{ url: string; key: string }]
  const { seed, publicKey } = crypto.ed25519.generate()
  const signer = prepareSigner({ secretSeed: seed, publicKey })
  const keptFetch = createKeptFetch()
  const spent = createKmsSpentSet({
    kms: createKmsClient(url, keptFetch),
    genesis: GENESIS,
    signer,
    receipt: () => ({ envelope: 'x', index: 0 }),
    statementKey: async () => fromBase64Url(key),
  })
  await spent.tick()
  const gate = createTokenGate({
    issuerName: 'issuer.example',
    spendContext: () => spent.context(),
    spent: spent.set,
    classes: { standard: { perSecond: 1e6, burst: 1e6 } },
    ...gateOptions,
  })
  const ask = async (path: string, body?: string): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' }
    const response = await keptFetch(
      `${url}${path}`,
      body === undefined ? {} : { method: 'POST', headers, body },
    )
    return response.json()
  }
  try {
    for (const field of buy(gate, signing, WARM_UP)) {
      await redeemed(gate, field)
      makeReceipt(signer)
      await ask('/echo', ECHO)
    }
    const alone = await measureAlone(gate, buy(gate, signing, ALONE), signer, () => ask('/echo', ECHO))
    const besideWorkMs = await measureBesideWork(gate, buy(gate, signing, ALONE), signer)
    const cpuAlone = await cpuPerToken(ask, buy(gate, signing, ALONE), async (fields) => {
      for (const field of fields) await redeemed(gate, field)
    })
    const together: number[] = []
    const cpuTogether = await cpuPerToken(ask, buy(gate, signing, BATCH * BATCHES), async (fields) => {
      for (let at = 0; at < fields.length; at += BATCH)
        together.push(
          await time(() => Promise.all(fields.slice(at, at + BATCH).map((field) => redeemed(gate, field)))),
        )
    })
    const commits = (await ask('/commits')) as number[]
    return {
      ...alone,
      besideWorkMs,
      togetherMs: quantile(together, 0.5),
      commitMs: quantile(commits.slice(-ALONE), 0.5),
      writeMs: measureWrite(join(folder, 'probe')),
      gatewayCpuMs: cpuAlone.own,
      kmsCpuMs: cpuAlone.kms,
      gatewayCpuOf64Ms: cpuTogether.own,
      kmsCpuOf64Ms: cpuTogether.kms,
    }
  } finally {
    kms.kill()
  }
}

/** As long as a signed spend of one token. */
const ECHO = JSON.stringify({ envelope: 'x'.repeat(1100) })

async function measureAlone(
  gate: TokenGate,
  fields: readonly string[],
  signer: PreparedSigner,
  echo: () => Promise<unknown>,
): Promise<Pick<TokenLatency, 'aloneMs' | 'aloneBestMs' | 'receiptMs' | 'echoMs'>> {
  const [all, receipts, echoes] = [[], [], []] as [number[], number[], number[]]
  for (const field of fields) {
    const token = await time(() => redeemed(gate, field))
    const receipt = await time(() => makeReceipt(signer))
    all.push(token + receipt)
    receipts.push(receipt)
    echoes.push(await time(echo))
  }
  return {
    aloneMs: quantile(all, 0.5),
    aloneBestMs: quantile(all, 0.1),
    receiptMs: quantile(receipts, 0.5),
    echoMs: quantile(echoes, 0.5),
  }
}

/** In alternation with the same work without a token. */
async function measureBesideWork(
  gate: TokenGate,
  fields: readonly string[],
  signer: PreparedSigner,
): Promise<number> {
  const work = async (): Promise<Response> => {
    await sleep(WORK_MS)
    return new Response('done')
  }
  const { signal } = new AbortController()
  const [plain, paid]: [number[], number[]] = [[], []]
  for (const field of fields) {
    plain.push(await time(work))
    paid.push(
      await time(async () => {
        const { spent } = redeem(gate, field)
        await answerOnceSpent(spent, signal, work)
        makeReceipt(signer)
      }),
    )
  }
  return quantile(paid, 0.5) - quantile(plain, 0.5)
}

async function cpuPerToken(
  ask: (path: string) => Promise<unknown>,
  fields: readonly string[],
  run: (fields: readonly string[]) => Promise<void>,
): Promise<{ own: number; kms: number }> {
  const ofKms = async (): Promise<number> => milliseconds((await ask('/cpu')) as NodeJS.CpuUsage)
  const [own, kms] = [process.cpuUsage(), await ofKms()]
  await run(fields)
  const used = milliseconds(process.cpuUsage(own))
  return { own: used / fields.length, kms: ((await ofKms()) - kms) / fields.length }
}

function buy(gate: TokenGate, signing: SigningKey, count: number): string[] {
  const { challenge } = parseChallenges(gate.wwwAuthenticate)[0]!
  return Array.from({ length: count }, () => {
    const pending = prepareToken(signing.key, challenge)
    return formatAuthorization(pending.finish(signing.sign(pending.blindedMessage)))
  })
}

/** Resolves once the token is spent. */
export async function redeemed(gate: TokenGate, field: string): Promise<void> {
  await redeem(gate, field).spent
}

function redeem(gate: TokenGate, field: string): Redemption {
  const admitted = gate.admit('POST', '/v1/chat/completions', field)
  if (admitted === undefined || admitted instanceof Response) throw new Error('the gate asks for no token')
  return admitted
}

const CONTENT = crypto.randomBytes(1000)

function makeReceipt(signer: PreparedSigner): void {
  const identity = { genesis: GENESIS, evidence: GENESIS, after: { size: 1, root: GENESIS }, signer }
  const head = { method: 'POST', path: '/v1/chat/completions', contentType: 'application/json' }
  const draft = draftReceipt(identity, { keyId: 1, policy: GENESIS }, head)
  draft.request.update(CONTENT)
  draft.startResponse({ status: 200, contentType: 'application/json' }).update(CONTENT)
  draft.sign(GENESIS)
}

function measureWrite(file: string): number {
  const probe = openSync(file, 'w')
  const writes = Array.from({ length: 40 }, () => {
    const start = performance.now()
    writeSync(probe, CONTENT)
    fdatasyncSync(probe)
    return performance.now() - start
  })
  closeSync(probe)
  return quantile(writes, 0.5)
}

async function time(run: () => unknown): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

function quantile(all: readonly number[], share: number): number {
  return percentile(
    all.toSorted((a, b) => a - b),
    share,
  )
}

function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000
}
