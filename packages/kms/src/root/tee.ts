import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import type { TrustedHardware } from '@sotto/serve/tee'
import { kmsError } from '../errors.ts'
import { readRootFile, writeRootFile } from './root-file.ts'
import { openBridge, openUnder, sealBridge, sealUnder } from './secret.ts'
import type { ObtainedRoot, RootSource } from './types.ts'

/** Context of the secret that only this measurement on this machine derives. */
const SECRET_CONTEXT = 'sotto kms root secret v1'
/** Context of the sealing key around the secrets after it. */
const SEALING_CONTEXT = 'sotto kms root file v1'

/**
 * The root secret is what this measurement on this machine derives; after a rotation it is in a file, sealed
 * by the same means. Another measurement, or this one elsewhere, has another secret and opens no store of ours.
 *
 * @param path absent: nowhere to keep another secret, so the root cannot be rotated
 */
export function teeSource(path: string | undefined, hardware: TrustedHardware): RootSource {
  async function withSealingKey<T>(work: (key: Uint8Array) => T): Promise<T> {
    const key = await hardware.deriveSealingKey(SEALING_CONTEXT)
    try {
      return work(key)
    } finally {
      key.fill(0)
    }
  }
  async function write(secret: Uint8Array, previous?: Uint8Array): Promise<void> {
    if (path === undefined)
      throw kmsError('KMS_ROOT_FILE', 'there is no folder to keep a rotated root secret in', {
        hint: 'Configure root.folder.',
      })
    const sealed = await withSealingKey((key) => toBase64Url(sealUnder(key, SEALING_CONTEXT, secret)))
    const bridge = previous === undefined ? {} : { bridge: toBase64Url(sealBridge(secret, previous)) }
    await writeRootFile(path, { version: 1, source: 'tee', sealed, ...bridge })
  }

  return {
    name: 'tee',
    sharing: undefined,
    canRotate: path !== undefined,
    async obtain(): Promise<ObtainedRoot> {
      const file = path === undefined ? undefined : await readRootFile(path)
      if (file === undefined) return { secrets: [await hardware.deriveSealingKey(SECRET_CONTEXT)] }
      if (file.source !== 'tee') throw otherSource(file.source)
      try {
        return await withSealingKey((key) => {
          const secret = openUnder(key, SEALING_CONTEXT, fromBase64Url(file.sealed!))
          const before = file.bridge === undefined ? [] : [openBridge(secret, fromBase64Url(file.bridge))]
          return { secrets: [secret, ...before] }
        })
      } catch (cause) {
        if (!hasCode(cause, 'CRYPTO_OPEN_FAILED')) throw cause
        throw kmsError('KMS_STORE_SEALED', 'this store was sealed by another measurement or machine', {
          hint: 'Start the KMS release that made it, on the machine that made it, or begin with an empty store.',
          cause,
        })
      }
    },
    stage: (next, current) => write(next, current),
    settle: (secret) => write(secret),
  }
}

/** The store was made under another source: what is configured now would make a second secret. */
export function otherSource(found: string): Error {
  return kmsError('KMS_ROOT_FILE', 'the root secret of this store comes from another source', {
    found,
    hint: `Configure root.source as ${found}.`,
  })
}
