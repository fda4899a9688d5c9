import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { connect } from '../src/index.ts'
import { createService } from './support/service.ts'

const MIB = 2 ** 20
const UPLOAD_MIB = 24
/** What is on its way at any time, in the buffers of both ends: an upload that is kept holds three times this. */
const MAX_HELD_BYTES = 8 * MIB

it('a streamed upload is not held in memory once it is sent', async () => {
  const service = await createService()
  const server = createServer(async (incoming, outgoing) => {
    if (incoming.method === 'POST') {
      for await (const piece of incoming) void piece
      return void outgoing.writeHead(503).end()
    }
    const answer = await service.fetch(`https://relay.example${incoming.url}`)
    outgoing.writeHead(answer.status, [...answer.headers].flat())
    outgoing.end(Buffer.from(await answer.arrayBuffer()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const sotto = await connect(url, { policy: service.world.policy, now: service.now })
    const held: number[] = []
    async function* recording(): AsyncGenerator<Uint8Array> {
      for (let sent = 0; sent < UPLOAD_MIB; sent++) {
        yield new Uint8Array(MIB)
        collectGarbage()
        held.push(process.memoryUsage().arrayBuffers)
      }
    }
    const sent = sotto.fetch(`${sotto.baseURL}/audio/transcriptions`, {
      method: 'POST',
      body: recording() as unknown as BodyInit,
    })
    await expect(sent).rejects.toMatchObject({ code: 'RELAY_REFUSED' })
    expect(held).toHaveLength(UPLOAD_MIB)
    // The least of the last ones: how much is on its way at one moment depends on the machine.
    expect(Math.min(...held.slice(-6)) - held[0]!).toBeLessThan(MAX_HELD_BYTES)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}
