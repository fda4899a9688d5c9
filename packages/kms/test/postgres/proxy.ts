import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** What a proxy does with the bytes of one direction once so many have passed. */
export interface Cut {
  /** Bytes from the client, or to it, that still pass on connections made from now on. */
  fromClient?: number
  toClient?: number
}

/** A TCP proxy in front of PostgreSQL that cuts connections, or swallows what passes, on demand. */
export class Proxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  cut: Cut = {}
  /** Takes bytes and passes none on, as a network that is gone: nobody is told. */
  isSilent = false
  /** Keeps what clients send, as a network that is slow, until {@link release}; also of those that gave up meanwhile. */
  isHolding = false
  readonly #held: (() => void)[] = []
  /** Bytes that passed since {@link resetCounts}. */
  counts = { fromClient: 0, toClient: 0 }

  private constructor(target: number) {
    this.#server = createServer((client) => {
      const upstream = connect(target, '127.0.0.1')
      this.#pipe(client, upstream, 'fromClient')
      this.#pipe(upstream, client, 'toClient')
    })
  }

  static async create(target: number): Promise<Proxy> {
    const proxy = new Proxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  /** Counts, and limits of {@link cut}, begin again. */
  reset(cut: Cut = {}): void {
    this.counts = { fromClient: 0, toClient: 0 }
    this.cut = cut
  }

  /** What was kept arrives now; connections made from now on are as fast as others. */
  release(): void {
    this.isHolding = false
    for (const send of this.#held.splice(0)) send()
  }

  /** Ends every connection there is. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.dropAll()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pipe(from: Socket, to: Socket, direction: 'fromClient' | 'toClient'): void {
    this.#sockets.add(from)
    let hasHeld = false
    from.on('close', () => {
      this.#sockets.delete(from)
      if (!this.isSilent && !hasHeld) to.destroy()
    })
    from.on('error', () => undefined)
    from.on('data', (bytes: Buffer) => {
      if (this.isSilent) return
      if (this.isHolding && direction === 'fromClient') {
        hasHeld = true
        this.#held.push(() => void to.write(bytes))
        return
      }
      const limit = this.cut[direction] ?? Infinity
      const room = Math.max(0, limit - this.counts[direction])
      this.counts[direction] += bytes.length
      to.write(bytes.subarray(0, room))
      if (bytes.length <= room) return
      // What passed arrives; then both ends lose the connection.
      setTimeout(() => {
        from.destroy()
        to.destroy()
      }, 20)
    })
  }
}
