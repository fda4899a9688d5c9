import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, readlinkSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { READY_DESCRIPTOR } from '../../sandbox/descriptors.ts'
import { openFirst, openProcess, untilGone } from '../../sandbox/process.ts'
import { containerError, type RoomContainerErrorCode } from './errors.ts'

/** What a capsule says at most, in characters: a number, a line about the image, and one at the end. */
const MAX_SAID = 1024
/** Namespaces that are never those of the host. */
const NAMESPACES = ['net', 'pid_for_children', 'mnt', 'ipc'] as const
const REFUSALS: readonly RoomContainerErrorCode[] = ['ROOM_CONTAINER_LAYOUT', 'ROOM_CONTAINER_DIGEST']

/** The capsule of one job: started, used, ended. Nothing of it is left afterwards. */
export class JobCapsule {
  readonly #process: ChildProcess
  /** `/proc/PID` of the process that the namespaces are those of: no other process ever, whatever becomes of the number. */
  readonly #proc: number
  /** The same of the first process in them, which is gone after all others; undefined until it has said its number. */
  #first: number | undefined
  #said = ''
  #hasFirst = false
  #isSilent = false
  #waiting: ((line: string | undefined) => void) | undefined
  #failure: Error | undefined
  #closing: Promise<void> | undefined
  readonly #exited: Promise<void>

  /** @param archive descriptor of the tar of the image @throws `ROOM_CONTAINER_START` */
  static start(words: readonly string[], archive: number): JobCapsule {
    try {
      return new JobCapsule(words, archive)
    } catch (cause) {
      throw containerError('ROOM_CONTAINER_START', { found: 'no process', cause })
    }
  }

  private constructor(words: readonly string[], archive: number) {
    this.#process = spawn(words[0]!, words.slice(1), {
      cwd: '/',
      env: {},
      // What a job prints could be what it read. Then: see `sandbox/descriptors.ts`.
      stdio: ['pipe', 'ignore', 'ignore', 'pipe', archive],
      detached: true,
    })
    // It may end before it has read anything.
    this.#process.stdin!.on('error', () => undefined)
    const channel = this.#process.stdio[READY_DESCRIPTOR] as Duplex | undefined
    channel?.on('data', (piece: Buffer) => this.#hear(piece.toString('latin1')))
    channel?.on('error', () => undefined)
    this.#exited = new Promise((resolve) => {
      this.#process.once('exit', () => resolve())
      this.#process.once('error', () => resolve())
    })
    // Not on exit: what it said last may still be on the way.
    this.#process.once('close', () => this.#fallSilent())
    this.#process.once('error', () => this.#fallSilent())
    const { pid } = this.#process
    try {
      this.#proc = pid === undefined ? -1 : openProcess(pid)
    } catch (error) {
      this.end()
      throw error
    }
  }

  /** Its root, as the host sees it: by a descriptor, for a path would lead elsewhere once the process is gone. */
  get root(): string {
    if (this.#closing !== undefined) throw containerError('ROOM_CONTAINER_START', { found: 'it ended' })
    return `/proc/self/fd/${this.#proc}/root`
  }

  /** Why it was ended; undefined while nobody ended it. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /**
   * Waits until the image is unpacked and its inputs can be written.
   * @throws `ROOM_CONTAINER_LAYOUT`, `ROOM_CONTAINER_DIGEST`, `ROOM_CONTAINER_START`; why it was ended
   */
  async unpacked(): Promise<void> {
    const line = await this.#next()
    if (line === 'unpacked') return this.#requireApart()
    if (this.#failure !== undefined) throw this.#failure
    const refusal = /^(ROOM_CONTAINER_[A-Z]+) ([\w ,.'-]{0,200})$/.exec(line ?? '')
    const code = REFUSALS.find((one) => one === refusal?.[1])
    if (code !== undefined) throw containerError(code, { found: refusal![2]! })
    throw containerError('ROOM_CONTAINER_START', { found: 'it ended while its image was unpacked' })
  }

  /** Lets the job begin. @param document of `enter.ts` */
  begin(document: Uint8Array): void {
    this.#process.stdin!.write('go\n')
    this.#process.stdin!.end(document)
  }

  /**
   * Waits until the job has ended, and no process of it is left.
   * @throws `ROOM_CONTAINER_ENDED`, `ROOM_CONTAINER_START` where it had not begun; why it was ended
   */
  async finished(): Promise<void> {
    const hasBegun = (await this.#next()) === 'begun'
    const line = hasBegun ? await this.#next() : undefined
    if (this.#failure !== undefined) throw this.#failure
    if (!hasBegun) throw containerError('ROOM_CONTAINER_START', { found: 'it ended before the job began' })
    if (line !== 'ended 0') throw containerError('ROOM_CONTAINER_ENDED')
  }

  /** Ends all of it at once: the kernel ends a namespace with its first process. The first reason counts. */
  end(reason?: Error): void {
    this.#failure ??= reason
    this.#process.kill('SIGKILL')
  }

  /** Ends it, and waits until all of it is gone. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#leave())
  }

  async #leave(): Promise<void> {
    this.end()
    await this.#exited
    if (this.#first !== undefined) await untilGone(this.#first)
    for (const fd of [this.#first, this.#proc]) if (fd !== undefined && fd >= 0) closeSync(fd)
  }

  #requireApart(): void {
    const shared = NAMESPACES.find((name) => this.#namespace(name) === readlinkSync(`/proc/self/ns/${name}`))
    if (shared !== undefined)
      throw containerError('ROOM_CONTAINER_SANDBOX', { found: `it has no ${shared} namespace of its own` })
  }

  #namespace(name: string): string {
    try {
      return readlinkSync(`/proc/self/fd/${this.#proc}/ns/${name}`)
    } catch (cause) {
      throw this.#failure ?? containerError('ROOM_CONTAINER_START', { found: 'it ended', cause })
    }
  }

  #hear(text: string): void {
    this.#said += text
    if (!this.#hasFirst && this.#said.includes('\n')) {
      this.#hasFirst = true
      this.#first = openFirst(this.#said)
      this.#said = this.#said.slice(this.#said.indexOf('\n') + 1)
    }
    if (!this.#hasFirst) return
    if (this.#said.length > MAX_SAID)
      this.end(containerError('ROOM_CONTAINER_START', { found: 'too many words' }))
    const end = this.#said.indexOf('\n')
    if (end >= 0) this.#tell(this.#said.slice(0, end))
  }

  /** The next line that it says; undefined when it says no more. */
  async #next(): Promise<string | undefined> {
    const line = await new Promise<string | undefined>((resolve) => {
      const end = this.#said.indexOf('\n')
      if (end >= 0) resolve(this.#said.slice(0, end))
      else if (this.#isSilent) resolve(undefined)
      else this.#waiting = resolve
    })
    if (line !== undefined) this.#said = this.#said.slice(line.length + 1)
    return line
  }

  #fallSilent(): void {
    this.#isSilent = true
    this.#tell(undefined)
  }

  #tell(line: string | undefined): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(line)
  }
}
