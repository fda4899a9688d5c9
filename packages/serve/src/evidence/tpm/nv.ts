import { concat, uint } from '@sotto/protocol/bytes'
import { TPM_ALG } from '@sotto/verifier/tpm'
import { collectError } from '../errors.ts'
import { isTpmRefusal, sized } from './command.ts'
import type { Tpm } from './device.ts'
import { readAnswer } from './answer.ts'

/** TPM_RH_OWNER: the operating system, with the empty password in every cloud. */
const OWNER = 0x40000001
/** TPM_CAP_TPM_PROPERTIES, TPM_PT_NV_BUFFER_MAX: most that one command reads or writes. */
const CAP_PROPERTIES = 6
const NV_BUFFER_MAX = 0x12c
/** What every TPM 2.0 can do at once. */
const SMALLEST_CHUNK = 512
const LARGEST_CHUNK = 2048
/** Bits of TPMA_NV (Part 2, Section 13.4). */
const TPMA_NV = {
  OWNERWRITE: 1 << 1,
  OWNERREAD: 1 << 17,
  AUTHREAD: 1 << 18,
  READLOCKED: 1 << 28,
  WRITTEN: 1 << 29,
} as const

/** What is stored under an index. */
export interface NvPublic {
  /** See Part 2, Section 13.4. */
  attributes: number
  dataSize: number
}

/** Public area of an NV index; undefined where there is none. @throws `COLLECT_*` */
export async function readNvPublic(tpm: Tpm, index: number): Promise<NvPublic | undefined> {
  let answer
  try {
    answer = await tpm.run({ code: 'NV_ReadPublic', handles: [index] })
  } catch (error) {
    if (isTpmRefusal(error, 'TPM_RC_HANDLE')) return undefined
    throw error
  }
  return readAnswer('NV_ReadPublic', answer, (reader) => {
    const length = reader.uint(2)
    const before = reader.remaining
    const nvIndex = reader.uint(4)
    reader.uint(2)
    const attributes = reader.uint(4)
    reader.sized(64, 'authPolicy')
    const dataSize = reader.uint(2)
    if (before - reader.remaining !== length || nvIndex !== index)
      throw collectError('COLLECT_MALFORMED', 'the public area of an NV index is another', {
        expected: indexText(index),
        found: indexText(nvIndex),
      })
    reader.sized(66, 'the name')
    return { attributes, dataSize }
  })
}

/**
 * Content of an NV index, read in pieces.
 *
 * @param maxBytes the host decides what an index holds: more is refused before it is read
 * @throws `COLLECT_*`; `COLLECT_UNAVAILABLE` where there is no such index or nothing in it
 */
export async function readNv(tpm: Tpm, index: number, maxBytes: number): Promise<Uint8Array> {
  const found = await readNvPublic(tpm, index)
  const unavailable = (why: string): Error =>
    collectError('COLLECT_UNAVAILABLE', `NV index ${indexText(index)} ${why}`, {
      hint: 'is this an Azure confidential virtual machine? Only its virtual TPM has these indices',
    })
  if (found === undefined) throw unavailable('does not exist')
  const { attributes, dataSize } = found
  if ((attributes & TPMA_NV.WRITTEN) === 0) throw unavailable('was never written')
  if ((attributes & TPMA_NV.READLOCKED) !== 0) throw unavailable('is locked until the next start')
  if (dataSize > maxBytes)
    throw collectError('COLLECT_MALFORMED', `NV index ${indexText(index)} is too long`, {
      expected: `at most ${maxBytes} bytes`,
      found: `${dataSize}`,
    })
  const reader = (attributes & TPMA_NV.OWNERREAD) !== 0 ? OWNER : index
  if (reader === index && (attributes & TPMA_NV.AUTHREAD) === 0)
    throw collectError('COLLECT_DENIED', `NV index ${indexText(index)} is not for the owner to read`)
  const chunk = await nvChunk(tpm)
  const parts: Uint8Array[] = []
  for (let offset = 0; offset < dataSize; offset += chunk) {
    const size = Math.min(chunk, dataSize - offset)
    const parameters = concat(uint(size, 2), uint(offset, 2))
    const answer = await tpm.run({
      code: 'NV_Read',
      handles: [reader, index],
      isAuthorized: true,
      parameters,
    })
    const part = readAnswer('NV_Read', answer, (fields) => fields.sized(size, 'the data'))
    if (part.length !== size)
      throw collectError('COLLECT_MALFORMED', 'the TPM read another length', {
        expected: `${size}`,
        found: `${part.length}`,
      })
    parts.push(part)
  }
  return concat(...parts)
}

/** Stores bytes under an index of the owner, which is made where there is none. @throws `COLLECT_*` */
export async function writeNv(tpm: Tpm, index: number, bytes: Uint8Array): Promise<void> {
  const found = await readNvPublic(tpm, index)
  if (found === undefined) await defineNv(tpm, index, bytes.length)
  else if (found.dataSize !== bytes.length)
    throw collectError('COLLECT_FAILED', `NV index ${indexText(index)} has another size`, {
      expected: `${bytes.length}`,
      found: `${found.dataSize}`,
      hint: `tpm2_nvundefine ${indexText(index)}`,
    })
  const parameters = concat(sized(bytes), uint(0, 2))
  const answer = await tpm.run({ code: 'NV_Write', handles: [OWNER, index], isAuthorized: true, parameters })
  readAnswer('NV_Write', answer, () => undefined)
}

async function defineNv(tpm: Tpm, index: number, size: number): Promise<void> {
  const attributes = TPMA_NV.OWNERWRITE | TPMA_NV.OWNERREAD
  const nvPublic = concat(
    uint(index, 4),
    uint(TPM_ALG.SHA256, 2),
    uint(attributes, 4),
    uint(0, 2),
    uint(size, 2),
  )
  const parameters = concat(uint(0, 2), sized(nvPublic))
  const answer = await tpm.run({ code: 'NV_DefineSpace', handles: [OWNER], isAuthorized: true, parameters })
  readAnswer('NV_DefineSpace', answer, () => undefined)
}

/** Bytes that one NV_Read gives at most. */
async function nvChunk(tpm: Tpm): Promise<number> {
  const parameters = concat(uint(CAP_PROPERTIES, 4), uint(NV_BUFFER_MAX, 4), uint(1, 4))
  const answer = await tpm.run({ code: 'GetCapability', parameters })
  const max = readAnswer('GetCapability', answer, (reader) => {
    reader.uint(1)
    const capability = reader.uint(4)
    const count = reader.uint(4)
    if (capability !== CAP_PROPERTIES || count > 1)
      throw collectError('COLLECT_MALFORMED', 'the TPM told another capability', { expected: '1 property' })
    if (count === 0) return SMALLEST_CHUNK
    const property = reader.uint(4)
    const value = reader.uint(4)
    return property === NV_BUFFER_MAX ? value : SMALLEST_CHUNK
  })
  return Math.min(LARGEST_CHUNK, Math.max(SMALLEST_CHUNK, max))
}

function indexText(index: number): string {
  return `0x${index.toString(16).padStart(8, '0')}`
}
