import { describe, expect, test } from 'vitest'
import { open, RESPONSE_HEAD, until } from './socket-parties.ts'

describe('pace', () => {
  test('a gateway that takes nothing slows the client instead of filling the relay', async () => {
    const { gateway, socket } = await open()
    socket.send(new Uint8Array(65_536))
    const upstream = await gateway.next()
    upstream.socket.pause()
    let sent = 1
    let stalledFor = 0
    let before = -1
    while (sent < 1024 && stalledFor < 20) {
      if (socket.bufferedAmount < 262_144) {
        socket.send(new Uint8Array(65_536))
        sent++
      } else await new Promise((resolve) => setTimeout(resolve, 10))
      stalledFor = socket.bufferedAmount === before && before >= 262_144 ? stalledFor + 1 : 0
      before = socket.bufferedAmount
    }
    // Kernel buffers of two loopback connections take a few MiB; 64 MiB would be the relay's memory.
    expect(sent).toBeLessThan(500)
    socket.close()
  })

  test('an answer goes no further ahead than a MiB of what the client read', async () => {
    const one = await open()
    one.socket.send(Buffer.from('one'))
    one.socket.send('end')
    const upstream = await one.gateway.next()
    await upstream.until('0\r\n\r\n')
    upstream.socket.write(RESPONSE_HEAD)
    for (let i = 0; i < 64; i++) upstream.socket.write(`10000\r\n${'y'.repeat(65_536)}\r\n`)
    upstream.socket.write('0\r\n\r\n')
    const received = (): number => one.heard.reduce((sum, part) => sum + part.length, 0)
    await until(() => received() > 1024 * 1024)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const ahead = received()
    expect(ahead).toBeLessThan(1024 * 1024 + 2 * 65_536)
    let told = 0
    while (!one.heard.includes('end')) {
      if (received() > told) one.socket.send(`read ${(told = received())}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    expect(received()).toBe(64 * 65_536 + 'end'.length)
    expect(await one.closed).toMatchObject({ code: 1000 })
  })

  test('a client that reads nothing of a long answer is given up', async () => {
    const one = await open({ responseIdleMs: 100 })
    one.socket.send(Buffer.from('one'))
    one.socket.send('end')
    const upstream = await one.gateway.next()
    await upstream.until('0\r\n\r\n')
    upstream.socket.write(RESPONSE_HEAD)
    for (let i = 0; i < 64; i++) upstream.socket.write(`10000\r\n${'y'.repeat(65_536)}\r\n`)
    expect(await one.closed).toMatchObject({ code: 4504, reason: 'RELAY_TOO_SLOW' })
    await upstream.closed
  })

  const SLOW = { minBytesPerSecond: 10_000, graceMs: 200 }

  test('a client that dribbles holds no place for long, however short its pauses', async () => {
    const { gateway, socket, closed, errors } = await open({ ...SLOW, exchanges: 1 })
    const dribble = setInterval(() => socket.readyState === socket.OPEN && socket.send(Uint8Array.of(1)), 10)
    const upstream = await gateway.next()
    expect(await closed).toMatchObject({ code: 4504, reason: 'RELAY_TOO_SLOW' })
    clearInterval(dribble)
    // The gateway never sees a clean end, and the place is free.
    await upstream.closed
    expect(upstream.received).not.toContain('0\r\n\r\n')
    expect(errors).toEqual(['RELAY_TOO_SLOW'])
  })

  test('one that keeps the pace is served, however long it takes', async () => {
    const { gateway, socket } = await open(SLOW)
    const chunk = new Uint8Array(1000)
    for (let i = 0; i < 20; i++) {
      socket.send(chunk)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    socket.send('end')
    const upstream = await gateway.next()
    await upstream.until('0\r\n\r\n')
    expect(socket.readyState).toBe(socket.OPEN)
    socket.close()
  })

  test('a client that reads byte by byte is given up', async () => {
    const one = await open({ minBytesPerSecond: 1_000_000, graceMs: 200 })
    one.socket.send(Buffer.from('one'))
    one.socket.send('end')
    const upstream = await one.gateway.next()
    await upstream.until('0\r\n\r\n')
    upstream.socket.write(RESPONSE_HEAD)
    for (let i = 0; i < 64; i++) upstream.socket.write(`10000\r\n${'y'.repeat(65_536)}\r\n`)
    await until(() => one.heard.length > 0)
    let told = 0
    const reading = setInterval(() => {
      if (one.socket.readyState === one.socket.OPEN) one.socket.send(`read ${++told}`)
    }, 10)
    expect(await one.closed).toMatchObject({ code: 4504, reason: 'RELAY_TOO_SLOW' })
    clearInterval(reading)
    expect(told).toBeGreaterThan(3)
    await upstream.closed
  })
})
