import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { App } from '../../src/errors/index.ts'
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/index.ts'

export async function start(app: App, options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer(app, { host: '127.0.0.1', port: 0, drainMs: 200, ...options })
  onTestFinished(() => server.close())
  return server
}

export async function raw(
  server: RunningServer,
  text: string,
): Promise<{ socket: Socket; received: () => string; closed: Promise<void> }> {
  const socket = connect(server.port, '127.0.0.1')
  let received = ''
  socket.on('data', (chunk) => (received += chunk.toString('latin1')))
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(text)
  return { socket, received: () => received, closed }
}
