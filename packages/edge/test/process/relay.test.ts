import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { startRoleProcess, writeConfig } from './role-process.ts'

test('the relay as it is started opens WebSockets, and stops although one stays open', async () => {
  // Answers each piece as it comes, before the request has ended.
  const gateway = createServer((incoming, outgoing) => {
    outgoing.writeHead(200, { 'content-type': 'message/ohttp-chunked-res' })
    incoming.on('data', (piece: Buffer) => outgoing.write(`<${piece.toString()}>`))
    incoming.on('end', () => outgoing.end())
  }).listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  const config = writeConfig('relay', {
    listen: { port: 0 },
    gateways: { inference: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}` },
  })
  const relay = await startRoleProcess('relay', config)
  try {
    const url = `${relay.urls['http']!.replace('http', 'ws')}/relay/inference`
    const open = async (): Promise<{ socket: WebSocket; heard: string[] }> => {
      const socket = new WebSocket(url, 'sotto-ohttp')
      socket.binaryType = 'arraybuffer'
      const heard: string[] = []
      socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) =>
        heard.push(typeof data === 'string' ? data : Buffer.from(data).toString()),
      )
      await new Promise((resolve) => socket.addEventListener('open', resolve))
      return { socket, heard }
    }
    const { socket, heard } = await open()
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
    for (const piece of ['one', 'two']) {
      socket.send(Buffer.from(piece))
      await expect.poll(() => heard.join('')).toContain(`<${piece}>`)
    }
    socket.send('end')
    expect(await closed).toMatchObject({ code: 1000 })
    expect(heard.join('')).toBe('<one><two>end')
    await open()
  } finally {
    expect(await relay.kill('SIGTERM')).toBe(0)
    gateway.close()
    gateway.closeAllConnections()
  }
})
