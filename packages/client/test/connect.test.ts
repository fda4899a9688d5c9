import { describe, expect, it } from 'vitest'
import { connect, type ConnectOptions, type Sotto } from '../src/index.ts'
import { createService, type FakeService, RELAY } from './support/service.ts'

async function open(service: FakeService, options: Partial<ConnectOptions> = {}): Promise<Sotto> {
  return connect(RELAY, { policy: service.world.policy, fetch: service.fetch, now: service.now, ...options })
}

describe('sotto.fetch', () => {
  it('sends inside the encryption and answers with what the enclave said', async () => {
    const service = await createService()
    service.knobs.app = async (request) => Response.json({ echo: await request.text() }, { status: 201 })
    const sotto = await open(service)
    const response = await sotto.fetch(`${sotto.baseURL}/chat/completions`, { method: 'POST', body: 'hello' })
    expect([response.status, await response.json()]).toEqual([201, { echo: 'hello' }])
    expect(service.outerCalls.map(({ method, path }) => [method, path])).toEqual([
      ['GET', '/relay/inference/trust'],
      ['POST', '/relay/inference'],
    ])
  })
})
