import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { concat, uint } from '@sotto/protocol/bytes'
import { type Device, type Machine, thisMachine } from '@sotto/serve/evidence'

/** Why tests with a software TPM are left out; undefined where there is one. */
export const NO_SWTPM: string | undefined =
  spawnSync('swtpm', ['socket', '--help']).status === 0 ? undefined : 'no swtpm (apt-get install swtpm)'

/** A TPM 2.0 in a process of its own, fresh from the factory. */
export interface SoftwareTpm {
  /** This machine, whose `/dev/tpmrm0` is the software TPM. */
  machine: Machine
  /** Sends a command that collectors have no use for. */
  raw(command: Uint8Array): Promise<Uint8Array>
  /** A restricted RSA signing key as a cloud provisions one, at this persistent handle. */
  provisionKey(handle: number): Promise<void>
  /** Gives an index of the owner this content, whatever it had. Nothing written: the index alone, of this size. */
  store(index: number, bytes: Uint8Array, isWritten?: boolean): Promise<void>
  stop(): void
}

/** Starts `swtpm`; every connection to it is a device that is opened. */
export async function startSwtpm(): Promise<SoftwareTpm> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-swtpm-'))
  const path = join(folder, 'tpm.sock')
  const child = spawn(
    'swtpm',
    [
      'socket',
      '--tpm2',
      '--tpmstate',
      `dir=${folder}`,
      '--server',
      `type=unixio,path=${path}`,
      '--flags',
      'not-need-init,startup-clear',
    ],
    { stdio: 'ignore' },
  )
  for (let tries = 0; !existsSync(path); tries++) {
    if (tries > 400 || child.exitCode !== null) throw new Error('swtpm did not start')
    await sleep(10)
  }
  // The server takes one connection in its life, so that all devices share it, as they share the real TPM.
  const socket = await connected(path)
  const device = bridge(socket)
  const raw = async (command: Uint8Array): Promise<Uint8Array> => {
    await device.write(command)
    return device.read(4096)
  }
  return {
    machine: { ...thisMachine(), open: () => Promise.resolve({ ...device, close: () => Promise.resolve() }) },
    raw,
    provisionKey: (handle) => provisionKey(raw, handle),
    store: (index, bytes, isWritten = true) => store(raw, index, bytes, isWritten),
    stop: () => end(child, socket, folder),
  }
}

/** The driver's `write(2)` and `read(2)` on a stream: a read gives one whole answer. */
function bridge(socket: Socket): Device {
  let received = Buffer.alloc(0)
  let wake: () => void = () => undefined
  socket.on('data', (part: Buffer) => {
    received = Buffer.concat([received, part])
    wake()
  })
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => (error ? reject(error) : resolve(bytes.length)))
      }),
    async read(maxBytes) {
      const isWhole = (): boolean => received.length >= 6 && received.length >= received.readUInt32BE(2)
      while (!isWhole()) await new Promise<void>((resolve) => (wake = resolve))
      const size = received.readUInt32BE(2)
      const answer = new Uint8Array(received.subarray(0, Math.min(size, maxBytes)))
      received = received.subarray(size)
      return answer
    },
    close: () => Promise.resolve(),
  }
}

const OWNER = uint(0x40000001, 4)
const PASSWORD = concat(uint(9, 4), uint(0x40000009, 4), uint(0, 2), uint(0, 1), uint(0, 2))

/** A command that the owner authorizes with the empty password. */
function owned(code: number, ...body: readonly Uint8Array[]): Uint8Array {
  const content = concat(...body)
  return concat(uint(0x8002, 2), uint(10 + content.length, 4), uint(code, 4), content)
}

/** TPM2_CreatePrimary in the owner's hierarchy, then TPM2_EvictControl (Part 3, Sections 24.1 and 28.5). */
async function provisionKey(raw: SoftwareTpm['raw'], handle: number): Promise<void> {
  const publicArea = concat(
    uint(0x0001, 2),
    uint(0x000b, 2),
    uint(0x00050072, 4),
    uint(0, 2),
    uint(0x0010, 2),
    uint(0x0014, 2),
    uint(0x000b, 2),
    uint(2048, 2),
    uint(0, 4),
    uint(0, 2),
  )
  const template = concat(uint(publicArea.length, 2), publicArea)
  const created = await raw(owned(0x131, OWNER, PASSWORD, uint(4, 2), uint(0, 4), template, uint(0, 6)))
  requireSuccess(created)
  const transient = created.subarray(10, 14)
  requireSuccess(await raw(owned(0x120, OWNER, transient, PASSWORD, uint(handle, 4))))
}

/** TPM2_NV_UndefineSpace, TPM2_NV_DefineSpace, TPM2_NV_Write (Part 3, Section 31). */
async function store(
  raw: SoftwareTpm['raw'],
  index: number,
  bytes: Uint8Array,
  isWritten: boolean,
): Promise<void> {
  const name = uint(index, 4)
  await raw(owned(0x122, OWNER, name, PASSWORD))
  const area = concat(name, uint(0x0b, 2), uint(0x20002, 4), uint(0, 2), uint(bytes.length, 2))
  requireSuccess(await raw(owned(0x12a, OWNER, PASSWORD, uint(0, 2), uint(area.length, 2), area)))
  if (!isWritten) return
  for (let offset = 0; offset < bytes.length; offset += 512) {
    const part = bytes.subarray(offset, offset + 512)
    requireSuccess(
      await raw(owned(0x137, OWNER, name, PASSWORD, uint(part.length, 2), part, uint(offset, 2))),
    )
  }
}

function requireSuccess(answer: Uint8Array): void {
  const code = Buffer.from(answer).readUInt32BE(6)
  if (code !== 0) throw new Error(`swtpm answered 0x${code.toString(16)}`)
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket))
    socket.once('error', reject)
  })
}

function end(child: ChildProcess, socket: Socket, folder: string): void {
  socket.destroy()
  child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
