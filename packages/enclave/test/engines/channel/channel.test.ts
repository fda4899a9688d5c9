import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import {
  Channel,
  type ChannelStream,
  encodeFrame,
  encodeItem,
  type FrameHeader,
  WINDOW,
} from '../../../src/engines/channel/index.ts'
import { codeOf } from '../host/fake-model.ts'

/** Two sockets that are each other's other end. */
function socketPair(): [Duplex, Duplex] {
  const ends: Duplex[] = []
  const make = (other: number): Duplex =>
    new Duplex({
      read: () => undefined,
      write: (chunk, _encoding, done) => {
        ends[other]!.push(chunk)
        done()
      },
    })
  ends.push(make(1), make(0))
  return [ends[0]!, ends[1]!]
}

function pair(onOpen: (stream: ChannelStream) => void): {
  engine: Channel
  host: Channel
  raw: Duplex
  reasons: Error[]
} {
  const [a, b] = socketPair()
  const reasons: Error[] = []
  const quiet = { onControl: () => undefined, onClose: () => undefined }
  const engine = new Channel(b, { ...quiet, onOpen })
  return {
    engine,
    host: new Channel(a, { ...quiet, onClose: (reason) => reasons.push(reason) }, 1_000_000),
    raw: b,
    reasons,
  }
}

/** A channel whose other end is written by hand. */
function bare(): {
  host: Channel
  say: (header: FrameHeader, payload?: Uint8Array) => void
  reasons: string[]
} {
  const [a, b] = socketPair()
  const reasons: string[] = []
  const host = new Channel(
    a,
    {
      onControl: () => undefined,
      onClose: (reason) => reasons.push((reason as { code?: string }).code ?? ''),
    },
    1_000_000,
  )
  return {
    host,
    say: (header, payload) => encodeFrame(header, payload).forEach((part) => b.write(part)),
    reasons,
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('streams', () => {
  it('carry items both ways at once, and end each way on its own', async () => {
    const { host } = pair((stream) => {
      void (async () => {
        for (let item = await stream.next(); item; item = await stream.next()) await stream.send(item)
        stream.end()
      })()
    })
    const stream = host.open('echo')
    await stream.send({ json: 1, blobs: [] })
    await stream.send({ json: 2, blobs: [Uint8Array.of(9)] })
    stream.end()
    expect((await stream.next())!.json).toBe(1)
    expect((await stream.next())!.blobs[0]).toEqual(Uint8Array.of(9))
    expect(await stream.next()).toBeUndefined()
  })

  it('stop a sender at the window until the reader takes something', async () => {
    let sent = 0
    const { host } = pair((stream) => {
      void (async () => {
        for (; sent < 100; sent++) await stream.send({ json: null, blobs: [new Uint8Array(100_000)] })
        stream.end()
      })()
    })
    const stream = host.open('flood')
    for (let i = 0; i < 50; i++) await turn()
    expect(sent).toBeLessThan(WINDOW / 100_000 + 2)
    let taken = 0
    while (await stream.next()) taken++
    expect(taken).toBe(100)
  })

  it('deliver what came before an error, and only known codes', async () => {
    const { host, say } = bare()
    const [one, two] = [host.open('a'), host.open('b')]
    say({ k: 'data', s: 1 }, [...encodeItem({ json: 'kept', blobs: [] })][0])
    say({ k: 'error', s: 1, code: 'ENGINE_INPUT', message: 'no' })
    say({ k: 'error', s: 2, code: 'MADE_UP', message: 'the patient said' })
    await turn()
    expect((await one.next())!.json).toBe('kept')
    expect(await codeOf(one.next())).toBe('ENGINE_INPUT')
    const failure = await two.next().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'ENGINE_FAILED' })
    expect(String(failure)).not.toContain('patient')
  })

  it('are cut when an item comes in crumbs without end', async () => {
    const { host, say, reasons } = bare()
    host.open('a')
    for (let i = 0; i < 4000 && reasons.length === 0; i++) {
      say({ k: 'data', s: 1, m: 1 })
      if (i % 100 === 0) await turn()
    }
    expect(reasons).toEqual(['ENGINE_PROTOCOL'])
  })

  it('fail together when the socket closes', async () => {
    const { host, raw, reasons } = pair(() => undefined)
    const waiting = [host.open('a'), host.open('b')].map((stream) => codeOf(stream.next()))
    raw.push(null)
    host.close(Object.assign(new Error('gone'), { code: 'ENGINE_CRASHED' }))
    expect(await Promise.all(waiting)).toEqual(['ENGINE_CRASHED', 'ENGINE_CRASHED'])
    expect(reasons).toHaveLength(1)
    expect(() => host.open('c')).toThrow('gone')
  })
})

describe('a hostile other side', () => {
  const item = [...encodeItem({ json: null, blobs: [new Uint8Array(200_000)] })][0]!

  it.each<[string, (say: ReturnType<typeof bare>['say']) => void]>([
    ['sends more than the window', (say) => Array.from({ length: 8 }, () => say({ k: 'data', s: 1 }, item))],
    [
      'sends an item without end',
      (say) => Array.from({ length: 6 }, () => say({ k: 'data', s: 1, m: 1 }, item)),
    ],
    ['opens streams itself', (say) => say({ k: 'open', s: 9, op: 'x' })],
    ['speaks on a stream never opened', (say) => say({ k: 'end', s: 7 })],
    ['grants credit out of nothing', (say) => say({ k: 'credit', s: 1, n: 5 })],
    ['ends inside an item', (say) => (say({ k: 'data', s: 1, m: 1 }, item), say({ k: 'end', s: 1 }))],
    ['speaks after its end', (say) => (say({ k: 'end', s: 1 }), say({ k: 'data', s: 1 }, item))],
    ['sends an item that is none', (say) => say({ k: 'data', s: 1 }, Uint8Array.of(1))],
  ])('%s: the channel closes', async (_, misbehave) => {
    const { host, say, reasons } = bare()
    const stream = host.open('x')
    const failed = codeOf(
      (async () => {
        await turn()
        while (await stream.next()) await turn()
      })(),
    )
    misbehave(say)
    await turn()
    expect(reasons).toEqual(['ENGINE_PROTOCOL'])
    expect(await failed).toBe('ENGINE_PROTOCOL')
  })

  it('may still speak on a stream this side has finished with', async () => {
    const { host, say, reasons } = bare()
    const stream = host.open('x')
    stream.end()
    say({ k: 'end', s: 1 })
    say({ k: 'credit', s: 1, n: 5 })
    await turn()
    expect(await stream.next()).toBeUndefined()
    expect(reasons).toEqual([])
  })
})
