import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { MAX_DOCUMENT_BYTES, unpackCollateral } from '@sotto/protocol/collateral-bundle'
import { hasCode, SottoError } from '@sotto/protocol/errors'
import { COLLATERAL_FILE_LIMITS, type EvidenceFamily } from '@sotto/protocol/keyrelease'
import type { HardwareOptions } from './hardware.ts'

/**
 * Where the operator puts collateral that a machine does not give with its evidence, one packed document for each
 * kind: `tdx.json`, `nvidia.json`. Nobody measures it, and nobody has to: a verifier takes only what the vendor
 * signed.
 */
export const COLLATERAL_FOLDER = '/run/sotto/collateral'

/**
 * Reads the documents of a folder each time they are asked for, so that a newer one counts at the next attestation.
 * None is no error: the machine may have all that is needed.
 * @throws `COLLATERAL_BUNDLE` for a damaged one, or one with more than evidence may carry
 */
export function collateralFiles(
  folder: string = COLLATERAL_FOLDER,
): NonNullable<HardwareOptions['collateral']> {
  return async (family: EvidenceFamily) => {
    const path = join(folder, `${family}.json`)
    const bytes = await readIfThere(path)
    try {
      return bytes === undefined ? {} : unpackCollateral(bytes, COLLATERAL_FILE_LIMITS).pieces
    } catch (cause) {
      if (!hasCode(cause, 'COLLATERAL_BUNDLE')) throw cause
      const { code, action, message, expected, found } = cause
      throw new SottoError(code, action, `${path}: ${message}`, {
        cause,
        ...(expected !== undefined && { expected }),
        ...(found !== undefined && { found }),
        hint: 'write it with: sotto collateral pack',
      })
    }
  }
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  let file
  try {
    file = await open(path)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { size } = await file.stat()
    // What is too long is refused for its length by who reads it.
    const bytes = new Uint8Array(Math.min(size, MAX_DOCUMENT_BYTES + 1))
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  } finally {
    await file.close()
  }
}
