import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { fromHex, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { IMAGES_FOLDER } from './images.ts'

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
