import { randomInt } from 'node:crypto'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { fromHex, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { cliError } from '../errors.ts'
import { IMAGES_FOLDER } from './images.ts'

/**
 * Below the ports that Linux gives to outgoing connections (`ip_local_port_range`, from 32768): a port
 * that is free when it is chosen must still be free when its role has started, seconds later.
 */
const FIRST_PORT = 20_000
const END_PORT = 32_768
const MAX_PORT_ATTEMPTS = 1000

/** Where a stack keeps what it must find again: everything under one folder. */
export interface StateFolder {
  root: string
  machine: string
  policy: string
  stack: string
  config(role: string): string
  store(role: string): string
  log(role: string): string
  key(name: string): string
  models: string
  /** What the roles of a running stack execute. */
  images: string
}

/** Makes the folders of a state directory (mode 0700). */
export async function openState(root: string): Promise<StateFolder> {
  for (const name of ['', 'config', 'store', 'run', 'keys', 'models'])
    await mkdir(join(root, name), { recursive: true, mode: 0o700 })
  // Root's engines have uids of their own and must get through to the images; the rest stays closed.
  if (process.getuid?.() === 0) await chmod(root, 0o711)
  return {
    root,
    machine: join(root, 'keys', 'machine.json'),
    policy: join(root, 'policy.json'),
    stack: join(root, 'stack.json'),
    config: (role) => join(root, 'config', `${role}.json`),
    store: (role) => join(root, 'store', role),
    log: (role) => join(root, 'run', `${role}.log`),
    key: (name) => join(root, 'keys', name),
    models: join(root, 'models'),
    images: join(root, IMAGES_FOLDER),
  }
}

/** An Ed25519 signer. */
export interface Signer {
  seed: Uint8Array
  publicKey: Uint8Array
}

/** The signing key kept in a file, made on first use. */
export async function openSigner(file: string): Promise<Signer> {
  const stored = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (stored !== undefined) {
    const seed = fromHex(stored.trim())
    return { seed, publicKey: crypto.ed25519.importPrivate(seed).publicKey }
  }
  const { seed, publicKey } = crypto.ed25519.generate()
  await writeWhole(file, toHex(seed) + '\n')
  return { seed, publicKey }
}

/** A secret for one stack: 32 random bytes, hexadecimal, made on first use. */
export async function openSecret(file: string): Promise<string> {
  const stored = await readFile(file, 'utf8').catch(() => undefined)
  if (stored !== undefined) return stored.trim()
  const secret = toHex(crypto.randomBytes(32))
  await writeWhole(file, secret + '\n')
  return secret
}

/** Ports for roles, the same as last time where they are still free: an unchanged configuration keeps its digest. */
export async function choosePorts<Name extends string>(
  file: string,
  names: readonly Name[],
): Promise<Record<Name, number>> {
  const previous = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as Partial<Record<Name, number>>
  const chosen = {} as Record<Name, number>
  const taken = new Set<number>()
  for (const name of names) {
    taken.add((chosen[name] = await freePort(taken, previous[name])))
  }
  await writeWhole(file, JSON.stringify(chosen) + '\n')
  return chosen
}

async function freePort(taken: ReadonlySet<number>, wanted?: number): Promise<number> {
  let port = wanted ?? 0
  for (let attempt = 0; attempt < MAX_PORT_ATTEMPTS; attempt++) {
    const isOurs = port >= FIRST_PORT && port < END_PORT && !taken.has(port)
    if (isOurs && (await isFree(port))) return port
    port = randomInt(FIRST_PORT, END_PORT)
  }
  throw cliError('ROLE_FAILED', 'no port is free for the roles of the stack', {
    expected: `a free port from ${FIRST_PORT} to ${END_PORT - 1}`,
  })
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    )
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
