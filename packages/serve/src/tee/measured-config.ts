import { open, readFile, realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { fromBase64, fromBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Evidence, EvidenceFamily } from '@sotto/protocol/keyrelease'
import { serveError } from '../errors/index.ts'

/** Where a report says what configuration its owner bound to it at launch. */
interface ConfigurationField {
  name: string
  offset: number
  /** Longer than a SHA-256: the rest is zero. */
  length: number
}

/**
 * HOST_DATA of an SNP report (SEV-SNP firmware ABI, ATTESTATION_REPORT), which the software TEE has too, and
 * MRCONFIGID of a TD report behind the 48 bytes of a quote's header (Intel TDX DCAP quote, version 4). Other
 * families have no such field: their configuration is measured with the program, as a file of its image.
 */
const FIELDS: Partial<Record<EvidenceFamily, ConfigurationField>> = {
  software: { name: 'HOST_DATA', offset: 0xc0, length: 32 },
  'sev-snp': { name: 'HOST_DATA', offset: 0xc0, length: 32 },
  tdx: { name: 'MRCONFIGID', offset: 48 + 184, length: 48 },
}

/** Where the guest of Confidential ACI tells a container what its own policy is. */
const CONTEXT_VARIABLE = 'UVM_SECURITY_CONTEXT_DIR'
const POLICY_FILE = 'security-policy-base64'
/** Of that file: real ones have some ten kilobytes. */
const MAX_POLICY_BYTES = 4 * 1024 * 1024

/** The configuration a role was started with. */
export interface UsedConfig {
  /** Chosen by whoever starts the role. */
  path: string
  /** Of the bytes that were read, in hexadecimal. */
  sha256: string
  /** The folder of the measured image that the running program lies in. */
  imageFolder: string
}

/**
 * Refuses to go on with a configuration that the hardware does not vouch for (T7). Where a report has a field for it, our
 * own evidence must name the SHA-256 of the bytes that were read; clients check the same field, so that a wrong start
 * fails early and clearly. Elsewhere the file must be one of the image: nothing else says what was read.
 *
 * On Confidential ACI HOST_DATA is the SHA-256 of the policy by which the guest starts containers. That policy names every layer
 * of the image by its hash, so that there, too, the file must be one of the image.
 * @param env of this process: who sets it may name a file, whose hash then has to be HOST_DATA
 * @throws `CONFIG_NOT_MEASURED`; `TEE_MALFORMED` when the report is too short
 */
export async function requireMeasuredConfig(
  used: UsedConfig,
  evidence: Evidence,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<void> {
  const { sha256 } = used
  if (!evidence.some(({ family }) => FIELDS[family] !== undefined)) return requirePartOfImage(used)
  for (const { family, evidence: piece } of evidence) {
    const field = FIELDS[family]
    if (field === undefined) continue
    const report = fromBase64Url(piece)
    const { name, offset, length } = field
    if (report.length < offset + length)
      throw serveError('TEE_MALFORMED', `the report has no ${name}`, { found: `${report.length} bytes` })
    const expected = sha256.padEnd(2 * length, '0')
    const found = toHex(report.subarray(offset, offset + length))
    if (found === expected) continue
    if (family === 'sev-snp' && (await policyDigest(env[CONTEXT_VARIABLE])) === found) {
      await requirePartOfImage(used)
      continue
    }
    throw serveError('CONFIG_NOT_MEASURED', `${name} is not the hash of the configuration`, {
      expected,
      found,
      hint: 'Start the role with the configuration it was measured with.',
    })
  }
}

/**
 * Whether the guest of Confidential ACI started this process. Nobody hides it from a role: without the variable
 * {@link requireMeasuredConfig} refuses there, as HOST_DATA is then not the hash of the configuration.
 */
export function isInConfidentialAci(
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  return (env[CONTEXT_VARIABLE] ?? '') !== ''
}

/** SHA-256 of the policy that the guest wrote down, in hexadecimal; undefined where there is none that can be read. */
async function policyDigest(folder: string | undefined): Promise<string | undefined> {
  if (folder === undefined || folder === '') return undefined
  const file = await open(join(folder, POLICY_FILE)).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const bytes = Buffer.alloc(MAX_POLICY_BYTES + 1)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    if (bytesRead === 0 || bytesRead > MAX_POLICY_BYTES) return undefined
    return toHex(crypto.sha256(fromBase64(bytes.toString('latin1', 0, bytesRead))))
  } catch {
    // No base64, or no file: nothing says then that HOST_DATA is a policy's.
    return undefined
  } finally {
    await file.close()
  }
}

async function requirePartOfImage({ path, sha256, imageFolder }: UsedConfig): Promise<void> {
  const [file, folder] = await Promise.all([realpath(path), realpath(imageFolder)])
  const way = relative(folder, file)
  const isInside = way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
  // Read again behind every link: the one that was followed first may have led elsewhere.
  if (isInside && toHex(crypto.sha256(await readFile(file))) === sha256) return
  throw serveError('CONFIG_NOT_MEASURED', 'the configuration is no file of the measured image', {
    expected: `a file below ${folder}`,
    found: file,
    hint: 'Build the configuration into the image: evidence of this kind has no field for it.',
  })
}
