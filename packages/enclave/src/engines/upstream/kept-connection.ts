import { Agent } from 'node:http'
import type { Socket } from 'node:net'

/**
 * One connection to a server that is kept when what was asked over it is answered. As long as it is open, the process at
 * the other end is the one that answered: whoever takes its place later did not.
 */
export class KeptConnection {
  /** For the requests that go over it. */
  readonly agent: Agent = new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 })
  private socket: Socket | undefined
  private hasHadOne = false
  private isKept = true
  private isMixed = false

  /** Told which connection a request got. */
  readonly use = (socket: Socket): void => {
    if (this.socket === socket) return
    if (this.hasHadOne) this.isMixed = true
    this.hasHadOne = true
    this.socket = socket
    socket.once('close', () => {
      if (this.socket === socket) this.socket = undefined
    })
  }

  /** Told with each answer whether the server keeps the connection after it. */
  answered(isKept: boolean): void {
    this.isKept &&= isKept
  }

  /** Whether the server has kept it after each answer: one that does not tells nobody when it is replaced. */
  get canTell(): boolean {
    return this.isKept
  }

  /** Whether all that was asked went over one connection: otherwise the answers may be those of several processes. */
  get isOne(): boolean {
    return !this.isMixed
  }

  /** False also where the server has closed it because it was idle: then nothing is known of who answers now. */
  get isOpen(): boolean {
    return this.isOne && this.socket !== undefined && !this.socket.destroyed && !this.socket.readableEnded
  }

  close(): void {
    this.socket = undefined
    this.agent.destroy()
  }
}
