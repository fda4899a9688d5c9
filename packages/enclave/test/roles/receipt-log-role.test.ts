import { expect, test, vi } from 'vitest'
import { parseDsse } from '@sotto/protocol/dsse'
import { OHTTP_MEDIA_TYPE } from '@sotto/protocol/ohttp'
import { RECEIPT_BATCH_TYPE } from '@sotto/protocol/receipt-log'
import { startServer } from '@sotto/serve/server'
import { claim } from '../../../../test/claims.ts'
import { ask, start } from './role-world.ts'

test(
  claim(
    'receipt.logged',
    'where receipts are logged nothing is answered before the log took the first batch',
  ),
  async () => {
    const dataUse = {
      tasks: ['embedding' as const, 'summarization' as const],
      retentionSeconds: 0,
      training: false,
      receiptLogSeconds: 3600,
    }
    const place = await startServer(() => new Response(), { host: '127.0.0.1', port: 0 })
    const { port } = new URL(place.url)
    await place.close()
    let isOpen = false
    const enclave = await start({
      config: { dataUse, listen: { host: '127.0.0.1', port: Number(port) } },
      world: {
        release: (statement) =>
          statement.predicate.role === 'kms'
            ? statement
            : { ...statement, predicate: { ...statement.predicate, dataUse } },
      },
      env: { SOTTO_LOG_APPEND_TOKEN: 'a token' },
      append: (entry, world) =>
        isOpen ? Response.json({ index: world.log.append(entry) }) : new Response(null, { status: 503 }),
    })
    const readiness = async (): Promise<unknown> => (await fetch(`${place.url}/readyz`)).json()
    await vi.waitFor(
      async () => expect(await readiness()).toEqual({ status: 'not-ready', code: 'RECEIPT_LOG_BEHIND' }),
      { timeout: 30_000, interval: 100 },
    )
    const headers = { 'content-type': OHTTP_MEDIA_TYPE.chunkedRequest }
    const refused = await fetch(`${place.url}/ohttp`, { method: 'POST', headers, body: 'x' })
    expect([refused.status, await refused.json()]).toMatchObject([
      503,
      { error: { code: 'GATEWAY_NOT_READY', action: 'retry' } },
    ])
    isOpen = true
    await enclave.ready
    expect(await readiness()).toEqual({ status: 'ready' })
    // The one that the log did not take, and the one of the turn in which it did.
    const types = enclave.world.log.entries.map((entry) => parseDsse(entry).payloadType)
    expect(types.filter((type) => type === RECEIPT_BATCH_TYPE)).toHaveLength(2)
    expect((await ask(enclave, { method: 'GET', path: '/v1/models' })).status).toBe(200)
  },
)
