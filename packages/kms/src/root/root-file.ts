import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { base64url, hex, integer, literal, members, oneOf, refine } from '@sotto/protocol/jcs'
import { decodeDocument, type Digest, encodeDocument } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'

/**
 * What a source keeps beside the store. Nothing in it is secret and nothing in it is believed: what is sealed
 * opens or not, and a genesis is what custodians and the configuration compare.
 */
export interface RootFile {
  version: 1
  source: 'tee' | 'custodians' | 'azure-managed-hsm'
  /** `tee`: the secret under the sealing key of this measurement on this machine; of an HSM: under that of its key. */
  sealed?: string
  /** `azure-managed-hsm`: version of that key. */
  keyVersion?: string
  /** `custodians`: whose log to search for shares, and from where. */
  genesis?: Digest
  index?: number
  /** While a rotation is under way: the secret before, under the new one. */
  bridge?: string
}

/** A sealed secret: nonce, 32 bytes, tag. */
const SEALED_BYTES = 60
const MAX_FILE_BYTES = 4096

const rootFileDecoder = refine(
  members<RootFile>(
    { version: literal(1), source: oneOf('tee', 'custodians', 'azure-managed-hsm') },
    {
      sealed: base64url(SEALED_BYTES),
      keyVersion: hex(16),
      genesis: hex(32),
      index: integer(0),
      bridge: base64url(SEALED_BYTES),
    },
  ),
  ({ source, sealed, keyVersion, genesis, index }) => {
    const isWhole = {
      tee: sealed !== undefined,
      custodians: genesis !== undefined && index !== undefined,
      'azure-managed-hsm': sealed !== undefined && keyVersion !== undefined,
    }[source]
    return isWhole ? undefined : 'it lacks what its source needs'
  },
)

/** @returns nothing when there is no file. @throws `KMS_ROOT_FILE`, `KMS_STORE_FAILED` */
export async function readRootFile(path: string): Promise<RootFile | undefined> {
  let bytes: Uint8Array
  try {
    bytes = new Uint8Array(await readFile(path))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw failure(cause)
  }
  try {
    if (bytes.length > MAX_FILE_BYTES) throw new RangeError('the file is too long')
    return decodeDocument(bytes, rootFileDecoder, 'root file')
  } catch (cause) {
    throw kmsError('KMS_ROOT_FILE', 'the file beside the store that leads to the root secret is damaged', {
      found: path,
      hint: 'Restore it from a copy of the store’s folder; with custodians it can be removed and expectGenesis configured.',
      cause,
    })
  }
}

/** Replaces the file, whole and durable, or leaves the one before. @throws `KMS_STORE_FULL`, `KMS_STORE_FAILED` */
export async function writeRootFile(path: string, file: RootFile): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(encodeDocument(file))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
    // The name has to survive a loss of power, too.
    const folder = await open(dirname(path), 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw failure(cause)
  }
}

function failure(cause: unknown): Error {
  return (cause as NodeJS.ErrnoException).code === 'ENOSPC'
    ? kmsError('KMS_STORE_FULL', 'the disk is full', { cause })
    : kmsError('KMS_STORE_FAILED', 'the file beside the store could not be read or written', { cause })
}
