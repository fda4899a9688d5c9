import { request } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RunningProxy, startProxy } from '@sotto/client/proxy'
import { type LiveTown, openLiveTown } from './town.ts'

const WORD_BYTES = 8000

let town: LiveTown
let proxy: RunningProxy
beforeAll(async () => {
  town = await openLiveTown(async function* words(file) {
    let bytes = 0
    let said = 0
    for await (const part of file) {
      bytes += part.length
      for (; said < Math.floor(bytes / WORD_BYTES); said++) yield { type: 'delta', text: `${said} ` }
    }
    const usage = { inputTokens: 0, outputTokens: 0 }
    yield { type: 'done', text: String(bytes), language: 'en', durationSeconds: 1, usage }
  })
  proxy = await startProxy({ sotto: await town.connect(), port: 0 })
})
afterAll(async () => {
  await proxy?.close()
  await town?.close()
})

it('a program in any language reads text while it sends the recording', async () => {
  const outgoing = request(`${proxy.url}/v1/audio/transcriptions`, {
    method: 'POST',
    headers: {
      'content-type': 'multipart/form-data; fields=first; boundary=B',
      'transfer-encoding': 'chunked',
    },
  })
  let text = ''
  const ended = new Promise<void>((resolve, reject) => {
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString()))
      incoming.on('end', resolve)
    })
  })
  outgoing.write(
    '--B\r\ncontent-disposition: form-data; name="stream"\r\n\r\ntrue\r\n--B\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n',
  )
  for (let word = 0; word < 3; word++) {
    outgoing.write(new Uint8Array(WORD_BYTES + 4096))
    await expect.poll(() => text.includes(`"delta":"${word} "`), { timeout: 20_000 }).toBe(true)
  }
  outgoing.end('\r\n--B--\r\n')
  await ended
  expect(text).toContain(`"text":"${3 * (WORD_BYTES + 4096)}"`)
})
