import { createServer, type AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { openTap } from '../../src/stack/tap.ts'

describe('a tap', () => {
  it('passes bytes both ways and records each direction with the peer process', async () => {
    const server = createServer((socket) =>
      socket.on('data', (chunk) => socket.end(`echo ${chunk.toString()}`)),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const tap = await openTap((server.address() as AddressInfo).port)
    const client = connect(tap.port, '127.0.0.1')
    client.write('hello')
    const [answer] = (await once(client, 'data')) as [Buffer]
    await once(client, 'close')
    expect(answer.toString()).toBe('echo hello')
    expect(tap.captures).toHaveLength(1)
    expect(Buffer.concat(tap.captures[0]!.received).toString()).toBe('hello')
    expect(Buffer.concat(tap.captures[0]!.sent).toString()).toBe('echo hello')
    expect(tap.captures[0]!.peerPid).toBe(process.pid)
    await tap.close()
    server.close()
  })

  it('passes a reset on, so that a cut stream stays cut', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.write('part')
      setTimeout(() => socket.resetAndDestroy(), 20)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const tap = await openTap((server.address() as AddressInfo).port)
    const client = connect(tap.port, '127.0.0.1')
    client.resume()
    const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNRESET')
    await tap.close()
    server.close()
  })
})
