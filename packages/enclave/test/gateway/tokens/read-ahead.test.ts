import { expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import type { SpentSet } from '../../../src/gateway/tokens/index.ts'
import { openAnswer, openGateway, outerRequest, sealedChunks } from '../parties.ts'
import { makeKeys, openGate } from './parties.ts'

makeKeys()

/** A gateway whose spent set answers when the test says so, and a request of so many bytes on its way to it. */
function begin(bytes: number, alter: (parts: Uint8Array[]) => Uint8Array[] = (parts) => parts) {
  const asked = Promise.withResolvers<undefined>()
  const answer = Promise.withResolvers<boolean[]>()
  const spent: SpentSet = {
    spend() {
      asked.resolve(undefined)
      return answer.promise
    },
  }
  const gate = openGate({ spent, context: new Uint8Array(32) })
  const seen: string[] = []
  const gateway = openGateway(
    async (request) => {
      seen.push('called')
      const text = await request.text()
      seen.push(`read ${text.length}`)
      return new Response(`${text.length}`)
    },
    { tokens: gate.gate },
  )
  const fields: [string, string][] = [
    ['date', new Date().toUTCString()],
    ['content-type', 'text/plain'],
    ['authorization', gate.authorization()],
  ]
  const { sealer, parts } = sealedChunks(gateway.key, { body: 'x'.repeat(bytes), fields }, 4096)
  const altered = alter(parts)
  let sent = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const part = altered[sent++]
        if (part === undefined) controller.close()
        else controller.enqueue(part)
      },
    },
    { highWaterMark: 0 },
  )
  const response = Promise.resolve(gateway.app(outerRequest(body)))
  return { asked, answer, seen, sealer, response, gateway, parts: altered, sent: () => sent }
}
/** Lets everything run that waits for nothing. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done))
}

it(
  claim('T12', 'while a token is being spent its request arrives, and nothing of it is seen by the app'),
  async () => {
    const { asked, answer, seen, sealer, response, parts, sent } = begin(40_000)
    await asked.promise
    await settle()
    expect(sent()).toBeGreaterThan(parts.length)
    expect(seen).toEqual([])
    answer.resolve([true])
    expect(await openAnswer(await response, sealer)).toMatchObject({ status: 200, text: '40000' })
    expect(seen).toEqual(['called', 'read 40000'])
  },
)

it('reads so far ahead and no further', async () => {
  const { asked, answer, seen, sealer, response, sent } = begin(1_000_000)
  await asked.promise
  await settle()
  expect(sent()).toBeGreaterThan(12)
  expect(sent()).toBeLessThan(30)
  answer.resolve([true])
  expect(await openAnswer(await response, sealer)).toMatchObject({ status: 200, text: '1000000' })
  expect(seen).toEqual(['called', 'read 1000000'])
})

it(
  claim('T12', 'a token that was spent before opens nothing, however much of the request has come'),
  async () => {
    const { asked, answer, seen, sealer, response } = begin(40_000)
    await asked.promise
    await settle()
    answer.resolve([false])
    expect(await openAnswer(await response, sealer)).toMatchObject({ status: 401 })
    expect(seen).toEqual([])
  },
)

it.each([
  [
    'altered',
    (parts: Uint8Array[]) => parts.map((part, n) => (n === 5 ? part.map((byte) => byte ^ 1) : part)),
  ],
  ['cut', (parts: Uint8Array[]) => parts.slice(0, -1)],
])(
  'a body that turns out %s while the token is being spent: the token is gone, the request unanswered',
  async (_, alter) => {
    const { asked, answer, seen, response } = begin(40_000, alter)
    await asked.promise
    await settle()
    answer.resolve([true])
    await expect(response).resolves.toMatchObject({ status: 400 })
    expect(seen).not.toContain('read 40000')
  },
)
