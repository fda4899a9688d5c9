import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { canonicalJson } from '@sotto/protocol/jcs'
import { type InferenceReceipt, parseSavedReceipt, type SavedReceipt } from '@sotto/protocol/receipts'
import { verifyReceipt } from '@sotto/verifier'
import { describe, expect, it } from 'vitest'
import { connect, type ConnectOptions, type ReceiptRecord, type Sotto } from '../src/index.ts'
import { createService, type FakeService, RELAY } from './support/service.ts'
import { claim } from '../../../test/claims.ts'

async function open(
  service: FakeService,
  onReceipt?: (record: ReceiptRecord) => void,
  options: Partial<ConnectOptions> = {},
): Promise<Sotto> {
  return connect(RELAY, {
    policy: service.world.policy,
    fetch: service.fetch,
    now: service.now,
    ...(onReceipt && { onReceipt }),
    ...options,
  })
}

/** Asks once, and keeps the receipt. */
async function keep(sotto: Sotto): Promise<SavedReceipt> {
  const response = await ask(sotto)
  await response.text()
  return sotto.receiptOf(response)
}

const ask = (sotto: Sotto): Promise<Response> =>
  sotto.fetch(`${sotto.baseURL}/chat/completions`, {
    method: 'POST',
    body: '{"q":1}',
    headers: { 'content-type': 'application/json' },
  })

const certificates = (service: FakeService): number =>
  service.innerCalls.filter(({ path }) => path.startsWith('/sotto/receipt-certificate')).length

describe('a receipt', () => {
  it(
    claim(
      'chain.inference-receipt',
      'is verified against what was sent and received, and can be verified again offline',
    ),
    async () => {
      const service = await createService()
      const records: ReceiptRecord[] = []
      const sotto = await open(service, (record) => records.push(record))
      const response = await ask(sotto)
      const body = new Uint8Array(await response.arrayBuffer())
      const saved = await sotto.receiptOf(response)
      expect(records).toEqual([{ status: 'verified', receipt: expect.objectContaining({ keyId: 7 }), saved }])
      expect(sotto.receipts).toEqual(records)
      const offline = verifyReceipt(saved, service.world.policy, {
        request: {
          method: 'POST',
          path: '/v1/chat/completions',
          contentType: 'application/json',
          body: [new TextEncoder().encode('{"q":1}')],
        },
        response: { status: 200, contentType: response.headers.get('content-type')!, body: [body] },
      })
      expect(offline.ok).toBe(true)
      const others = offline.steps.filter(({ status }) => status !== 'pass')
      expect(others.filter(({ required }) => required)).toEqual([])
      expect(others.filter(({ name }) => /^(receipt|kms|keys\.(receipt|policy))/.test(name))).toEqual([])
    },
  )

  it(
    claim('chain.inference-receipt', 'holds the very bundle that was judged before the request'),
    async () => {
      const service = await createService()
      const sotto = await open(service)
      const [first, second] = [await keep(sotto), await keep(sotto)]
      expect(encodeTrustBundle(first.trust!)).toEqual(encodeTrustBundle(service.world.bundle))
      expect(second.trust).toBe(first.trust)
      const file = canonicalJson(first)
      expect(file.length).toBeLessThan(32_768)
      expect(verifyReceipt(parseSavedReceipt(file), service.world.policy).ok).toBe(true)
    },
  )

  it('holds the bundle of its own request when the service was verified anew since', async () => {
    const service = await createService()
    const { bundle, log, now } = service.world
    let seconds = now
    const sotto = await open(service, undefined, { now: () => seconds })
    const early = await ask(sotto)
    seconds = sotto.trust.validUntil
    const size = Number(bundle.checkpoint.split('\n')[1])
    const renewed = { ...bundle, checkpoint: await log.checkpoint({ time: seconds, size }) }
    service.knobs.bundleBytes = () => encodeTrustBundle(renewed)
    await sotto.verify()
    await early.text()
    expect((await sotto.receiptOf(early)).trust).toEqual(bundle)
    service.knobs.clockOffsetMs = (seconds - now) * 1000
    expect((await keep(sotto)).trust).toEqual(renewed)
  })

  it('holds no bundle where none is wanted, and where it would be of another statement key', async () => {
    const service = await createService()
    expect(await keep(await open(service, undefined, { receiptTrust: false }))).not.toHaveProperty('trust')
    // The KMS has restarted since the verdict: the root key certified the new statement key too.
    const sotto = await open(service)
    await service.restartKms()
    const saved = await keep(sotto)
    expect(saved).not.toHaveProperty('trust')
    const { ok, steps } = verifyReceipt(saved, service.world.policy)
    expect([ok, steps.at(-1)]).toMatchObject([true, { name: 'receipt.trust', status: 'skipped' }])
  })

  it('needs its certificate fetched once, over the encryption', async () => {
    const service = await createService()
    const sotto = await open(service)
    for (let i = 0; i < 3; i++) {
      const response = await ask(sotto)
      await response.text()
      await sotto.receiptOf(response)
    }
    expect(certificates(service)).toBe(1)
    expect(sotto.receipts).toHaveLength(3)
  })

  it(claim('T16', 'comes only when the body was read to its end'), async () => {
    const service = await createService()
    const sotto = await open(service)
    const response = await ask(sotto)
    await response.body!.cancel()
    await expect(sotto.receiptOf(response)).rejects.toMatchObject({ code: 'RESPONSE_TRUNCATED' })
    expect(sotto.receipts).toEqual([])
  })

  it('may be missing, and a clone has none', async () => {
    const service = await createService()
    service.knobs.withoutReceipts = true
    const sotto = await open(service)
    const response = await ask(sotto)
    const clone = response.clone()
    await Promise.all([response.text(), clone.text()])
    await expect(sotto.receiptOf(response)).rejects.toMatchObject({ code: 'RECEIPT_MISSING' })
    await expect(sotto.receiptOf(clone)).rejects.toMatchObject({ code: 'RECEIPT_MISSING' })
    expect([sotto.receipts, certificates(service)]).toEqual([[], 0])
  })

  const zeros = '0'.repeat(64)
  it.each<[string, (receipt: InferenceReceipt) => InferenceReceipt]>([
    ['another request', (receipt) => ({ ...receipt, request: zeros })],
    ['another answer', (receipt) => ({ ...receipt, response: zeros })],
    ['another enclave', (receipt) => ({ ...receipt, evidence: zeros })],
    ['another policy', (receipt) => ({ ...receipt, policy: zeros })],
    ['another genesis', (receipt) => ({ ...receipt, genesis: zeros })],
    ['another key of the same enclave', (receipt) => ({ ...receipt, keyId: 8 })],
    ['a key the enclave was not given', (receipt) => ({ ...receipt, keyId: 99 })],
    ['no known shape', (receipt) => ({ ...receipt, extra: 1 }) as InferenceReceipt],
  ])('about %s is refused, loudly', async (_, receipt) => {
    const service = await createService()
    service.knobs.receipt = receipt
    service.knobs.certificateFor = () => 'd4'.repeat(32)
    const records: ReceiptRecord[] = []
    const sotto = await open(service, (record) => records.push(record))
    const response = await ask(sotto)
    await response.text()
    await expect(sotto.receiptOf(response)).rejects.toMatchObject({ code: 'RECEIPT_INVALID', action: 'stop' })
    expect(records.map(({ status }) => status)).toEqual(['refused'])
  })

  it('that is older than the attestation of the enclave is proven by the certificate of then', async () => {
    const service = await createService()
    const sotto = await open(service)
    const before = 'd4'.repeat(32)
    await service.renew()
    service.knobs.receipt = (receipt) => ({ ...receipt, evidence: before })
    const late = await ask(sotto)
    await late.text()
    const { certificate } = await sotto.receiptOf(late)
    service.knobs.receipt = undefined
    const fresh = await ask(sotto)
    await fresh.text()
    expect((await sotto.receiptOf(fresh)).certificate).not.toEqual(certificate)
    expect(service.innerCalls.map(({ path }) => path).filter((path) => path.includes(before))).toHaveLength(1)
  })

  it('is proven by the enclave that signed it, when another one is reached first', async () => {
    const service = await createService()
    let misses = 0
    service.knobs.certificateFor = (evidence) => (misses++ < 3 ? 'unknown' : evidence)
    const sotto = await open(service)
    const response = await ask(sotto)
    await response.text()
    await expect(sotto.receiptOf(response)).resolves.toMatchObject({ version: 1 })
    expect(certificates(service)).toBe(4)
  })

  it('that nobody certified stays unproven after a few requests', async () => {
    const service = await createService()
    service.knobs.receipt = (receipt) => ({ ...receipt, evidence: zeros })
    const sotto = await open(service)
    const response = await ask(sotto)
    await response.text()
    await expect(sotto.receiptOf(response)).rejects.toMatchObject({ code: 'RECEIPT_UNPROVEN' })
    expect(certificates(service)).toBe(4)
  })

  it('stays unproven while its certificate cannot be had, and is proven when it can', async () => {
    const service = await createService()
    const sotto = await open(service)
    let down = true
    const app = service.knobs.app
    service.knobs.outer = ({ method }) =>
      method === 'POST' && down && service.innerCalls.length > 0
        ? new Response(null, { status: 503 })
        : undefined
    service.knobs.app = app
    const first = await ask(sotto)
    await first.text()
    await expect(sotto.receiptOf(first)).rejects.toMatchObject({ code: 'RECEIPT_UNPROVEN', action: 'retry' })
    down = false
    const second = await ask(sotto)
    await second.text()
    await expect(sotto.receiptOf(second)).resolves.toMatchObject({ version: 1 })
  })
})
