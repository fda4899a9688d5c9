import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Bytes one side sent on one connection, in order. */
export interface Capture {
  /** Process that opened the connection, as the kernel tells; undefined when it had already gone. */
  peerPid: number | undefined
  /** What the tapped party received. */
  received: Buffer[]
  /** What it answered. */
  sent: Buffer[]
}

/** A recording TCP proxy in front of one party: what it was sent, whatever it says of itself. */
export interface Tap {
  readonly port: number
  readonly captures: readonly Capture[]
  /** False once there were more bytes than are kept. */
  readonly isComplete: boolean
  close(): Promise<void>
}

/** More than the demo ever sends; a runaway capture must not exhaust the machine. */
const MAX_CAPTURED_BYTES = 64 * 1024 * 1024

/**
 * Listens on a free loopback port and passes every byte both ways to `targetPort`, recording it.
 * Ends and resets are passed on too, so that a cut stream stays a cut stream.
 */
export async function openTap(targetPort: number): Promise<Tap> {
  const captures: Capture[] = []
  const sockets = new Set<Socket>()
  let captured = 0
  const record = (list: Buffer[], chunk: Buffer): void => {
    captured += chunk.length
    if (captured <= MAX_CAPTURED_BYTES) list.push(chunk)
  }
  const server: Server = createServer({ allowHalfOpen: true }, (downstream) => {
    const capture: Capture = {
      peerPid: processOfPort(downstream.remotePort!, downstream.localPort!),
      received: [],
      sent: [],
    }
    captures.push(capture)
    const upstream = connect({ host: '127.0.0.1', port: targetPort, allowHalfOpen: true })
    pass(downstream, upstream, (chunk) => record(capture.received, chunk))
    pass(upstream, downstream, (chunk) => record(capture.sent, chunk))
    for (const socket of [downstream, upstream]) {
      socket.setNoDelay(true)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    captures,
    get isComplete() {
      return captured <= MAX_CAPTURED_BYTES
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function pass(from: Socket, to: Socket, onChunk: (chunk: Buffer) => void): void {
  from.on('data', (chunk: Buffer) => {
    onChunk(chunk)
    if (!to.write(chunk)) {
      from.pause()
      to.once('drain', () => from.resume())
    }
  })
  from.once('end', () => to.end())
  from.once('error', () => to.resetAndDestroy())
  from.once('close', () => to.destroySoon())
}

/**
 * The process that owns the client end of a loopback connection, from the kernel's tables. Both ports are
 * compared: two processes may use one client port at the same time, towards different servers.
 */
export function processOfPort(port: number, serverPort: number): number | undefined {
  const inode = socketInode(port, serverPort)
  if (!inode) return undefined
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        if (readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`) return Number(pid)
      }
    } catch {
      // Gone, or another user's: not one of ours.
    }
  }
  return undefined
}

function socketInode(port: number, serverPort: number): string | undefined {
  const [local, remote] = [port, serverPort].map(
    (number) => `:${number.toString(16).toUpperCase().padStart(4, '0')}`,
  )
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let text = ''
    try {
      text = readFileSync(table, 'latin1')
    } catch {
      continue
    }
    for (const line of text.split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      if (fields[1]?.endsWith(local!) && fields[2]?.endsWith(remote!) && fields[9] !== '0') return fields[9]
    }
  }
  return undefined
}
