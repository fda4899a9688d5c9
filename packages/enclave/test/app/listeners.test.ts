import { createServer } from 'node:net'
import { createSocket } from 'node:dgram'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listenersOf, parseTable } from '../../src/app/listeners.ts'

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const line = (port: string, state: string, address = '0100007F'): string =>
  `   0: ${address}:${port} ${'0'.repeat(address.length)}:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1\n`

describe('the listeners of a network', () => {
  it('are what the kernel has in the state of listening', () => {
    const text = HEAD + line('1F90', '0A') + line('1F91', '01') + line('EE98', '0A', '00000000')
    expect(parseTable('tcp', text)).toEqual([
      { protocol: 'tcp', port: 8080 },
      { protocol: 'tcp', port: 61_080 },
    ])
    expect(parseTable('tcp6', HEAD + line('0050', '0A', '0'.repeat(32)))).toEqual([
      { protocol: 'tcp', port: 80 },
    ])
  })

  it('are UDP sockets that take from anybody, and no connected ones', () => {
    const text = HEAD + line('0035', '07') + line('1F90', '01')
    expect(parseTable('udp', text)).toEqual([{ protocol: 'udp', port: 53 }])
  })

  it('are none of an empty table', () => {
    expect(parseTable('tcp', HEAD)).toEqual([])
    expect(parseTable('tcp', '')).toEqual([])
  })

  it('are not guessed: a line that cannot be read is an error', () => {
    for (const bad of [
      'x',
      line('1F9', '0A'),
      line('1F90', '0A').slice(8),
      line('1f90', '0A'),
      line('1F90', 'A'),
    ])
      expect(() => parseTable('tcp', `${HEAD}${bad}\n`)).toThrow('cannot be read')
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 80 }).filter((text) => !text.includes('\n')),
        (text) => {
          expect(() => parseTable('tcp', `${HEAD}${text}`)).toThrow('cannot be read')
        },
      ),
    )
  })

  it('are read back for every port', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), (port) => {
        const hex = port.toString(16).toUpperCase().padStart(4, '0')
        expect(parseTable('tcp', HEAD + line(hex, '0A'))).toEqual([{ protocol: 'tcp', port }])
      }),
    )
  })

  it('of this machine are seen, TCP and UDP', async () => {
    const server = createServer()
    const socket = createSocket('udp4')
    onTestFinished(() => {
      server.close()
      socket.close()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    const found = listenersOf('/proc/self/net')
    expect(found).toContainEqual({ protocol: 'tcp', port: (server.address() as { port: number }).port })
    expect(found).toContainEqual({ protocol: 'udp', port: socket.address().port })
  })

  it('of a process that is gone are an error', () => {
    expect(() => listenersOf('/proc/4194305/net')).toThrow('ENOENT')
  })
})
