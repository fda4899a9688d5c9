import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { hasCode, SottoError } from '@sotto/protocol/errors'
import type { TrustedHardware } from '@sotto/serve/tee'
import { pause } from '../../clock/index.ts'
import { kmsError } from '../../errors.ts'
import { readRootFile, type RootFile, writeRootFile } from '../root-file.ts'
import { openBridge, openUnder, sealBridge, sealUnder } from '../secret.ts'
import { otherSource } from '../tee.ts'
import type { HsmKey, ObtainedRoot, RootSource, RootTools } from '../types.ts'
import { requireAttested } from './attest.ts'
import { deriveFromMaterial } from './material.ts'
import { type HsmNetwork, releaseMaterial } from './release.ts'

/** Context of what is in the root file. */
const SEALING_CONTEXT = 'sotto kms root file v1: azure-managed-hsm'
/** Pauses between two starts that failed for a reason that may pass: the first, and the longest. */
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000

/**
 * A key of a managed HSM leads to the root secret: the first one is derived from it; after a rotation, or under
 * another version of the key, the secret is in a file sealed under what is derived from it. Nothing else ever stands
 * in for the HSM: while it does not answer, there is no root secret.
 *
 * @param path absent: nowhere to keep another secret, so the root cannot be rotated
 * @throws `KMS_HSM_HARDWARE`
 */
export function azureManagedHsmSource(
  path: string | undefined,
  key: HsmKey,
  hardware: TrustedHardware,
  network: HsmNetwork = {},
): RootSource {
  requireAttested(hardware)
  /** Since the key was released. */
  let sealingKey: Uint8Array | undefined

  /** What the file is sealed under. A secret that a running KMS handed over was not obtained here: the HSM is asked now. */
  async function currentSealingKey(): Promise<Uint8Array> {
    if (sealingKey !== undefined) return sealingKey
    const { signal } = new AbortController()
    const material = await releaseMaterial(key, key.keyVersion, hardware, { signal, network })
    try {
      return (sealingKey = deriveFromMaterial(material, 'sealing'))
    } finally {
      material.fill(0)
    }
  }

  async function write(secret: Uint8Array, bridge?: string): Promise<void> {
    if (path === undefined)
      throw kmsError('KMS_ROOT_FILE', 'there is no folder to keep a rotated root secret in', {
        hint: 'Configure root.folder.',
      })
    const sealed = toBase64Url(sealUnder(await currentSealingKey(), SEALING_CONTEXT, secret))
    const { keyVersion } = key
    const file: RootFile = { version: 1, source: 'azure-managed-hsm', sealed, keyVersion }
    await writeRootFile(path, bridge === undefined ? file : { ...file, bridge })
  }

  async function obtainOnce(signal: AbortSignal): Promise<ObtainedRoot> {
    const file = path === undefined ? undefined : await readRootFile(path)
    const version = versionOf(file, key)
    const release = (wanted: string): Promise<Uint8Array> =>
      releaseMaterial(key, wanted, hardware, { signal, network })
    const material = await release(version)
    try {
      const secret = file === undefined ? deriveFromMaterial(material, 'secret') : open(file, material)
      const before = file?.bridge === undefined ? [] : [openBridge(secret, fromBase64Url(file.bridge))]
      const current = version === key.keyVersion ? material : await release(key.keyVersion)
      sealingKey = deriveFromMaterial(current, 'sealing')
      if (current !== material) current.fill(0)
      // From here on the version before is not needed any more.
      if (version !== key.keyVersion) await write(secret, file?.bridge)
      return { secrets: [secret, ...before] }
    } finally {
      material.fill(0)
    }
  }

  return {
    name: 'azure-managed-hsm',
    sharing: undefined,
    canRotate: path !== undefined,
    async obtain({ signal, onRetry }: Pick<RootTools, 'signal' | 'onRetry'>) {
      for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
        try {
          return await obtainOnce(signal)
        } catch (error) {
          if (signal.aborted) return undefined
          if (!(error instanceof SottoError) || error.action !== 'retry') throw error
          onRetry(error.code)
          await pause(pauseMs, signal)
        }
      }
      return undefined
    },
    stage: (next, current) => write(next, toBase64Url(sealBridge(next, current))),
    settle: (secret) => write(secret),
  }
}

/** The version of the key that leads to the secret as it is kept now. @throws `KMS_ROOT_FILE` */
function versionOf(file: RootFile | undefined, { keyVersion, previousKeyVersion }: HsmKey): string {
  if (file === undefined) return previousKeyVersion ?? keyVersion
  if (file.source !== 'azure-managed-hsm') throw otherSource(file.source)
  const version = file.keyVersion!
  if (version === keyVersion || version === previousKeyVersion) return version
  throw kmsError(
    'KMS_ROOT_FILE',
    'the root secret of this store is sealed under another version of the key',
    {
      expected: keyVersion,
      found: version,
      hint: `Configure root.previousKeyVersion as ${version}.`,
    },
  )
}

function open({ sealed }: RootFile, material: Uint8Array): Uint8Array {
  const key = deriveFromMaterial(material, 'sealing')
  try {
    return openUnder(key, SEALING_CONTEXT, fromBase64Url(sealed!))
  } catch (cause) {
    if (!hasCode(cause, 'CRYPTO_OPEN_FAILED')) throw cause
    throw kmsError('KMS_STORE_SEALED', 'the root secret of this store was sealed under another key', {
      hint: 'Configure the HSM and the key that it was made with.',
      cause,
    })
  } finally {
    key.fill(0)
  }
}
