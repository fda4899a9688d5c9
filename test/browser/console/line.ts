import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { setTimeout } from 'node:timers/promises'

/** The connection between browser and relay, which a test can make bad. */
export interface Line {
  url: string
  /** Whether answers come as over a bad line, a few words a second. */
  isSlow: boolean
  /** Everything that is on its way now is gone. */
  cut(): void
  /** Cuts every connection once it has carried so many bytes to the relay; undefined mends it. */
  cutAfter(bytes: number | undefined): void
  close(): void
}

const SLICE_BYTES = 200
const SLICE_MS = 50

/** A line to `relay` on a port of its own. */
export async function openLine(relay: string): Promise<Line> {
  const { hostname, port } = new URL(relay)
  const open = new Set<Socket>()
  let limit = Infinity
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    let carried = 0
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (bytes: Buffer) => {
      carried += bytes.length
      if (carried > limit) near.destroy()
    })
    near.pipe(far)
    pipeline(far, slice, near, () => undefined)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const line: Line = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isSlow: false,
    cut: () => open.forEach((socket) => void socket.destroy()),
    cutAfter: (bytes = Infinity) => (limit = bytes),
    close: () => {
      line.cut()
      server.close()
    },
  }
  async function* slice(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of bytes)
      for (let at = 0; at < piece.length;) {
        const end = line.isSlow ? at + SLICE_BYTES : piece.length
        yield piece.subarray(at, end)
        if (line.isSlow) await setTimeout(SLICE_MS)
        at = end
      }
  }
  return line
}
