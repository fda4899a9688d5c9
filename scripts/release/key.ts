/** The release key: an Ed25519 seed in a file of mode 0600, never printed. */
import { closeSync, constants, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { fromHex, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { prepareSigner, type PreparedSigner } from '@sotto/protocol/dsse'
import { ReleaseFailure } from './failure.ts'

/** Seed as hexadecimal and a line end. */
const MAX_KEY_BYTES = 66

/** Makes a key; an existing file is never replaced. @throws ReleaseFailure */
export function createKey(file: string): PreparedSigner {
  const { seed, publicKey } = crypto.ed25519.generate()
  try {
    writeFileSync(file, `${toHex(seed)}\n`, { mode: 0o600, flag: 'wx', flush: true })
    return prepareSigner({ secretSeed: seed, publicKey })
  } catch (cause) {
    throw new ReleaseFailure(
      `cannot make the key ${file}: ${(cause as NodeJS.ErrnoException).code}`,
      'name a file that does not exist yet',
      { cause },
    )
  } finally {
    seed.fill(0)
  }
}

/** Opens a key. One that others can read is refused: it is no secret. @throws ReleaseFailure */
export function openKey(file: string): PreparedSigner {
  const text = readSecret(file)
  try {
    const seed = fromHex(text.trim())
    const { publicKey } = crypto.ed25519.importPrivate(seed)
    return prepareSigner({ secretSeed: seed, publicKey })
  } catch {
    // Without the cause, which could quote the content.
    throw new ReleaseFailure(`${file} holds no Ed25519 seed`, 'make one with --new-key FILE')
  }
}

/** Text of a secret file. @throws ReleaseFailure for one that is missing, open to others, or too long */
export function readSecret(file: string, maxBytes: number = MAX_KEY_BYTES): string {
  let fd: number
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    throw new ReleaseFailure(
      `cannot read ${file}: ${(cause as NodeJS.ErrnoException).code}`,
      'name a file of your own',
      { cause },
    )
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile() || (stat.mode & 0o077) !== 0)
      throw new ReleaseFailure(`others can read ${file}`, `chmod 600 ${file}, if nobody has read it yet`)
    if (stat.size > maxBytes) throw new ReleaseFailure(`${file} is too long`, 'name the right file')
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}
