import { open } from '../keep/index.ts'
import { words } from '../words/index.ts'

/** The owner's key as this browser keeps it: encrypted under a key that no script can read out. */
interface KeptKey {
  wrapping: CryptoKey
  iv: Uint8Array<ArrayBuffer>
  sealed: ArrayBuffer
}

const table = open<KeptKey>('values')
const NAME = 'owner.key'
const [CIPHER, IV_BYTES, SEED_BYTES] = ['AES-GCM', 12, 32]

/**
 * The seed of the owner, if this browser has one. What lies on the disk is of no use without the wrapping key, which the
 * browser gives to nobody; who can use this browser profile can act as the owner all the same.
 * @throws `KeepError`; `Error` where what is kept does not open
 */
export async function readSeed(): Promise<Uint8Array | undefined> {
  const kept = await table.get(NAME)
  if (kept === undefined) return undefined
  const { wrapping, iv, sealed } = kept
  const seed = new Uint8Array(await crypto.subtle.decrypt({ name: CIPHER, iv }, wrapping, sealed))
  if (seed.length !== SEED_BYTES) throw new Error(words.trouble.ownerKey)
  return seed
}

/** Keeps a seed in the place of another. @throws `KeepError` */
export async function writeSeed(seed: Uint8Array): Promise<void> {
  const wrapping = await crypto.subtle.generateKey({ name: CIPHER, length: 256 }, false, [
    'encrypt',
    'decrypt',
  ])
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const sealed = await crypto.subtle.encrypt({ name: CIPHER, iv }, wrapping, seed.slice())
  await table.put(NAME, { wrapping, iv, sealed })
}

/** @throws `KeepError` */
export function forgetSeed(): Promise<void> {
  return table.remove(NAME)
}
