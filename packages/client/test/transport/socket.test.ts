import { describe, expect, it } from 'vitest'
import { exchangeBySocket, type WebSocketClass } from '../../src/transport/socket.ts'
import { clientError } from '../../src/errors.ts'
import { claim } from '../../../../test/claims.ts'
import { prepareRequest } from '../../src/transport/inner-request.ts'
import { exchange } from '../../src/transport/exchange.ts'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { OhttpClientKey, OhttpGatewayKey } from '@sotto/protocol/ohttp'

/** A socket whose other end is the test. */
class FakeSocket extends EventTarget {
  static last: FakeSocket
  readonly OPEN = 1
  readyState = 0
  bufferedAmount = 0
  binaryType = 'blob'
  readonly sent: (string | Uint8Array)[] = []
  readonly address: string
  readonly protocol: string

  constructor(url: string, protocol: string) {
    super()
    this.address = url
    this.protocol = protocol
    FakeSocket.last = this
  }
  open(): void {
    this.readyState = 1
    this.dispatchEvent(new Event('open'))
  }
  send(data: string | Uint8Array): void {
    this.sent.push(data)
  }
  hear(data: string | Uint8Array): void {
    this.dispatchEvent(
      new MessageEvent('message', { data: typeof data === 'string' ? data : data.slice().buffer }),
    )
  }
  close(code = 1006): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.dispatchEvent(Object.assign(new Event('close'), { code }))
  }
}
const Fake = FakeSocket as unknown as WebSocketClass

const ADDRESS = new URL('https://relay.example/relay/inference')
const refusal = (status: number): Error => clientError('RELAY_REFUSED', 'refused', { found: String(status) })
async function* bytes(...parts: number[]): AsyncGenerator<Uint8Array> {
  for (const length of parts) yield new Uint8Array(length)
}
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1))

function start(
  sealed: AsyncIterable<Uint8Array> = bytes(3),
  signal = new AbortController().signal,
): { answer: Promise<ReadableStream<Uint8Array>>; socket: FakeSocket } {
  const answer = exchangeBySocket(ADDRESS, { sealed, signal, refusal }, Fake)
  answer.catch(() => {})
  return { answer, socket: FakeSocket.last }
}

describe('over a WebSocket of the relay', () => {
  it('goes to the address of requests, sends pieces and an end, and reads pieces up to an end', async () => {
    const { answer, socket } = start(bytes(3, 65_537))
    expect([socket.address, socket.protocol]).toEqual(['wss://relay.example/relay/inference', 'sotto-ohttp'])
    socket.open()
    await tick()
    expect(socket.sent.map((one) => (typeof one === 'string' ? one : one.length))).toEqual([
      3,
      65_536,
      1,
      'end',
    ])
    socket.hear(Uint8Array.of(1, 2))
    const body = await answer
    socket.hear(Uint8Array.of(3))
    socket.hear('end')
    socket.close(1000)
    expect([...(await new Response(body as BodyInit).bytes())]).toEqual([1, 2, 3])
  })

  it.each([
    ['closes in good order', (socket: FakeSocket) => socket.close(1000)],
    ['is lost', (socket: FakeSocket) => socket.close(1006)],
    ['says that something failed', (socket: FakeSocket) => socket.close(4502)],
  ])('an answer whose connection %s before its end is cut', async (_, act) => {
    const { answer, socket } = start()
    socket.open()
    socket.hear(Uint8Array.of(1, 2))
    const body = await answer
    act(socket)
    await expect(new Response(body as BodyInit).bytes()).rejects.toMatchObject({ code: 'RESPONSE_TRUNCATED' })
  })

  it.each([
    [4422, { code: 'RELAY_REFUSED', found: '422' }],
    [4503, { code: 'RELAY_REFUSED', found: '503' }],
    [1000, { code: 'RELAY_UNREACHABLE' }],
    [1006, { code: 'RELAY_UNREACHABLE' }],
    [1009, { code: 'RELAY_UNREACHABLE' }],
  ])('close code %i before an answer', async (code, error) => {
    const { answer, socket } = start()
    socket.open()
    socket.close(code)
    await expect(answer).rejects.toMatchObject(error)
  })

  it('a connection that never opens', async () => {
    const { answer, socket } = start()
    socket.dispatchEvent(new Event('error'))
    await expect(answer).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
  })

  it.each([
    ['an end before anything', ['end']],
    ['other text', [Uint8Array.of(1), 'END']],
    ['an empty piece', [Uint8Array.of(1), new Uint8Array(0)]],
    ['more than it may send ahead', Array.from({ length: 70 }, () => new Uint8Array(65_536))],
  ])('a relay that sends %s breaks the protocol', async (_, messages) => {
    const { answer, socket } = start()
    socket.open()
    for (const message of messages) socket.hear(message)
    const outcome = answer.then((body) => new Response(body as BodyInit).bytes())
    await expect(outcome).rejects.toMatchObject({ code: 'RESPONSE_INVALID' })
    expect(socket.readyState).toBe(3)
  })

  it('what was read is told, so that the relay sends on', async () => {
    const { answer, socket } = start()
    socket.open()
    for (let i = 0; i < 8; i++) socket.hear(new Uint8Array(65_536))
    const reader = (await answer).getReader()
    await tick()
    const told = (): unknown[] =>
      socket.sent.filter((one) => typeof one === 'string' && one.startsWith('read'))
    expect(told()).toEqual([])
    for (let i = 0; i < 8; i++) await reader.read()
    await tick()
    expect(told()).toEqual(Array.from({ length: 8 }, (_, index) => `read ${(index + 1) * 65_536}`))
  })

  it('nothing is sealed while the platform still holds much of what was', async () => {
    let made = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        made++
        yield new Uint8Array(1000)
        await tick()
      }
    }
    const { socket } = start(endless())
    socket.bufferedAmount = 300_000
    socket.open()
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect([made, socket.sent.length]).toEqual([1, 0])
    socket.bufferedAmount = 0
    await expect.poll(() => socket.sent.length).toBeGreaterThan(3)
    socket.close()
    await new Promise((resolve) => setTimeout(resolve, 20))
    const before = made
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(made).toBe(before)
  })

  it('a signal closes it with its reason, before and after it is open', async () => {
    for (const isOpen of [false, true]) {
      const abort = new AbortController()
      const { answer, socket } = start(bytes(3), abort.signal)
      if (isOpen) socket.open()
      const reason = new Error('enough')
      abort.abort(reason)
      await expect(answer).rejects.toBe(reason)
      expect(socket.readyState).toBe(3)
    }
  })

  it('a body that fails closes it, and is why the exchange fails', async () => {
    const failure = new Error('the microphone is gone')
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3)
      throw failure
    }
    const { answer, socket } = start(failing())
    socket.open()
    await expect(answer).rejects.toBe(failure)
    expect(socket.sent).not.toContain('end')
  })
})

it(
  claim('T17', 'a live request leaves in chunks of one size, whatever is spoken in which pieces'),
  async () => {
    const gateway = new OhttpGatewayKey(1, kemById(HPKE_KEM.DHKEM_X25519).generate(), [
      { kdfId: HPKE_KDF.HKDF_SHA256, aeadId: HPKE_AEAD.AES_128_GCM },
    ])
    const sizesOf = async (pieces: readonly number[]): Promise<Set<number>> => {
      const request = await prepareRequest(
        'https://inference.sotto/v1/x',
        { method: 'POST', body: bytes(...pieces) as unknown as BodyInit },
        true,
      )
      const key = new OhttpClientKey(gateway.config, gateway.config.algorithms[0]!)
      const outlet = { requests: ADDRESS, fetch: globalThis.fetch, streamUploads: false, webSocket: Fake }
      const answer = exchange(request, key.request(), 0, outlet)
      answer.catch(() => {})
      FakeSocket.last.open()
      await expect.poll(() => FakeSocket.last.sent.includes('end')).toBe(true)
      const sizes = FakeSocket.last.sent.flatMap((one) => (typeof one === 'string' ? [] : [one.length]))
      FakeSocket.last.close()
      // The header comes first, the padded rest last.
      return new Set(sizes.slice(2, -2))
    }
    const even = await sizesOf(Array.from({ length: 40 }, () => 3200))
    const uneven = await sizesOf([1, 100_000, 7, 7, 7, 20_000, 7978])
    expect(even.size).toBeLessThanOrEqual(2)
    expect(uneven).toEqual(even)
  },
)
