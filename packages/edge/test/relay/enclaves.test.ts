import { createServer } from 'node:net'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { exchangeAt, type FakeEnclave, READINESS_MS, relayBefore, startEnclave } from './enclaves.ts'
import { openRawClient, openRawServer, type RawConnection, type RawServer } from './parties.ts'
import { clientOf } from './socket-parties.ts'

const three = (): Promise<FakeEnclave[]> => Promise.all(['a', 'b', 'c'].map((name) => startEnclave(name)))
const urls = (enclaves: readonly FakeEnclave[]): string[] => enclaves.map(({ url }) => url)
const asked = (rounds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, rounds * READINESS_MS))

/** An address where nobody listens. */
async function deadOrigin(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

/** Keeps `clients` exchanges going until `isOver`; who answered, in order. */
async function load(clients: number, one: () => Promise<string>, isOver: () => boolean): Promise<string[]> {
  const answers: string[] = []
  const client = async (): Promise<void> => {
    while (!isOver()) answers.push(await one())
  }
  await Promise.all(Array.from({ length: clients }, client))
  return answers
}

describe('three enclaves behind one name', () => {
  test('share what is asked', async () => {
    const enclaves = await three()
    const { relay } = await relayBefore(urls(enclaves))
    const answers = await Promise.all(Array.from({ length: 60 }, () => exchangeAt(relay)))
    expect(new Set(answers)).toEqual(new Set(['a', 'b', 'c']))
    for (const { answered } of enclaves) expect(answered).toBeGreaterThan(12)
  })

  test('lose no request when one is dead from the start, and ask it no more', async () => {
    const [a, b] = await three()
    const { relay, errors } = await relayBefore([await deadOrigin(), a!.url, b!.url])
    const answers = await Promise.all(Array.from({ length: 30 }, () => exchangeAt(relay)))
    expect(new Set(answers)).toEqual(new Set(['a', 'b']))
    expect(errors).toEqual([])
  })

  test('lose no request while each is replaced in turn under load', async () => {
    const enclaves = await three()
    const { relay, errors } = await relayBefore(urls(enclaves))
    let isOver = false
    const running = load(
      12,
      () => exchangeAt(relay),
      () => isOver,
    )
    for (const [index, enclave] of enclaves.entries()) {
      await asked(2)
      await enclave.close()
      await asked(2)
      enclaves[index] = await startEnclave(`${enclave.name}2`, Number(new URL(enclave.url).port))
      await asked(2)
    }
    await asked(3)
    isOver = true
    const answers = await running
    expect(errors).toEqual([])
    expect(answers.filter((answer) => !/^[abc]2?$/.test(answer))).toEqual([])
    expect(new Set(answers)).toEqual(new Set(['a', 'b', 'c', 'a2', 'b2', 'c2']))
  })

  test('send nothing new to one that is shutting down, while it finishes what runs there', async () => {
    const enclaves = await three()
    const { relay } = await relayBefore(urls(enclaves))
    const [a] = enclaves
    const closing = a!.close()
    await asked(2)
    const before = a!.answered
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchangeAt(relay)))
    expect(new Set(answers)).toEqual(new Set(['b', 'c']))
    expect(a!.answered).toBe(before)
    await closing
  })

  test('are left out while they are not ready, and come back', async () => {
    const enclaves = await three()
    const { relay } = await relayBefore(urls(enclaves))
    const [a] = enclaves
    a!.isReady = false
    await asked(2)
    const answers = await Promise.all(Array.from({ length: 12 }, () => exchangeAt(relay)))
    expect(answers).not.toContain('a')
    a!.isReady = true
    await expect
      .poll(async () => (await Promise.all(Array.from({ length: 6 }, () => exchangeAt(relay)))).join(''))
      .toContain('a')
  })

  test('are not asked twice for what one of them refused: it had the request', async () => {
    const enclaves = await three()
    const { relay } = await relayBefore(urls(enclaves))
    enclaves[0]!.status = 503
    const answers = await Promise.all(Array.from({ length: 30 }, () => exchangeAt(relay)))
    const refused = answers.filter((answer) => answer === '503 RELAY_GATEWAY_BUSY')
    expect(refused.length).toBe(enclaves[0]!.answered)
    // Others come first until it has said that it is ready.
    expect(refused.length).toBeLessThan(30)
    expect(enclaves[1]!.answered + enclaves[2]!.answered + refused.length).toBe(30)
  })

  test('that are all dead are one clear error', async () => {
    const origins = [await deadOrigin(), await deadOrigin(), await deadOrigin()]
    const { relay, errors } = await relayBefore(origins)
    expect(await exchangeAt(relay)).toBe('503 RELAY_NO_GATEWAY')
    await asked(2)
    expect(await exchangeAt(relay)).toBe('503 RELAY_NO_GATEWAY')
    expect(new Set(errors)).toEqual(new Set(['RELAY_NO_GATEWAY']))
    const trust = await fetch(`${relay.url}/relay/demo/trust`)
    expect([trust.status, await trust.json()]).toMatchObject([
      502,
      { error: { code: 'RELAY_GATEWAY_FAILED' } },
    ])
  })

  test('that are all dead and come back are found again', async () => {
    const enclave = await startEnclave('a')
    const { relay } = await relayBefore([enclave.url, await deadOrigin()])
    await enclave.close()
    await asked(2)
    expect(await exchangeAt(relay)).toBe('503 RELAY_NO_GATEWAY')
    await startEnclave('a2', Number(new URL(enclave.url).port))
    await expect.poll(() => exchangeAt(relay)).toBe('a2')
  })

  test('answer WebSockets alike', async () => {
    const enclaves = await three()
    const { relay, errors } = await relayBefore([await deadOrigin(), ...urls(enclaves)])
    const heard = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const client = await clientOf({ relay } as never)
        client.socket.send(new Uint8Array([1]))
        client.socket.send('end')
        expect((await client.closed).code).toBe(1000)
        return Buffer.from(client.heard[0] as Uint8Array).toString()
      }),
    )
    expect(new Set(heard)).toEqual(new Set(['a', 'b', 'c']))
    expect(errors).toEqual([])
  })

  test('serve documents as one', async () => {
    const enclaves = await three()
    const { relay } = await relayBefore(urls(enclaves))
    const trust = async (): Promise<string> => (await fetch(`${relay.url}/relay/demo/trust`)).text()
    expect([await trust(), await trust()]).toEqual(['{"from":"a"}', '{"from":"a"}'])
    // The one that lacks a key is behind: what its documents name, all of them hold.
    enclaves[2]!.status = 422
    await expect.poll(() => exchangeAt(relay)).toBe('422 ')
    expect(await trust()).toBe('{"from":"c"}')
  })
})

describe('a request', () => {
  test('of which something was sent is never sent to another enclave', async () => {
    const servers = await Promise.all([rawServer(), rawServer()])
    const { relay, errors } = await relayBefore(servers.map(({ origin }) => origin))
    const client = openRawClient(relay.url)
    client.socket.write(
      'POST /relay/demo HTTP/1.1\r\nHost: r\r\nContent-Type: message/ohttp-req\r\nContent-Length: 6\r\n\r\nsealed',
    )
    const { socket } = await Promise.race(servers.map((server) => messageAt(server)))
    socket.destroy()
    await client.until('RELAY_GATEWAY_FAILED')
    expect(errors).toEqual(['RELAY_GATEWAY_FAILED'])
    const sent = servers.flatMap(({ connections }) => connections.map(({ received }) => received))
    expect(sent.filter((received) => received.includes('sealed'))).toHaveLength(1)
  })

  test('goes to another enclave when the first one lets a connection wait', async () => {
    // Takes the connection, and says nothing in the language that was asked for.
    const silent = await rawServer()
    const enclave = await startEnclave('a')
    const { relay, errors } = await relayBefore([silent.origin.replace('http:', 'https:'), enclave.url])
    const answers = await Promise.all([exchangeAt(relay), exchangeAt(relay)])
    expect(answers).toEqual(['a', 'a'])
    expect(errors).toEqual([])
  })
})

async function rawServer(): Promise<RawServer> {
  const server = await openRawServer()
  onTestFinished(() => server.close())
  return server
}

/** The connection over which a message comes; questions for readiness are answered. */
async function messageAt(server: RawServer): Promise<RawConnection> {
  for (;;) {
    const connection = await server.next()
    await connection.until('\r\n\r\n')
    if (connection.received.startsWith('POST')) return connection
    connection.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  }
}
