import { fromUtf8, toHex } from '@sotto/protocol/bytes'
import { collectError } from './errors.ts'
import { type Helper, runHelper } from './helper.ts'

/** SPDM (DSP0274 Section 10.11): the nonce of GET_MEASUREMENTS. */
const NONCE_BYTES = 32
/** Eight GPUs with 12 kB of evidence each, and room for switches. */
const MAX_EVIDENCE_BYTES = 4_194_304
const DEFAULT_TIMEOUT_MS = 120_000

/**
 * Has the GPUs of this machine signed for, through NVIDIA's own program.
 *
 * @param nonce 32 bytes; bind it to the report of the processor, or a GPU of another machine passes
 * @returns the program's JSON: a list with one entry for each GPU
 * @throws `COLLECT_*`
 */
export async function collectGpuEvidence(
  nonce: Uint8Array,
  {
    command = 'nvattest',
    timeoutMs = DEFAULT_TIMEOUT_MS,
  }: Partial<Pick<Helper, 'command' | 'timeoutMs'>> = {},
): Promise<Uint8Array> {
  if (nonce.length !== NONCE_BYTES)
    throw collectError('COLLECT_INPUT', 'the nonce has another length', {
      expected: `${NONCE_BYTES} bytes`,
      found: `${nonce.length}`,
    })
  const args = ['collect-evidence', '--device', 'gpu', '--nonce', toHex(nonce), '--format', 'json']
  const output = await runHelper({ command, args, timeoutMs, maxBytes: MAX_EVIDENCE_BYTES })
  if (countEntries(output) === 0)
    throw collectError('COLLECT_UNAVAILABLE', 'there is no GPU in confidential mode', {
      hint: 'nvidia-smi conf-compute -f must say that the confidential computing status is ON',
    })
  return output
}

/** Entries of what is a list, or a document with one list in it. */
function countEntries(output: Uint8Array): number {
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(output))
  } catch (cause) {
    throw collectError('COLLECT_MALFORMED', 'evidence of GPUs is no JSON', { cause })
  }
  const lists = Array.isArray(value)
    ? [value]
    : Object.values(value ?? {}).filter((member) => Array.isArray(member))
  const [list, ...more] = lists as unknown[][]
  if (list === undefined || more.length > 0)
    throw collectError('COLLECT_MALFORMED', 'evidence of GPUs is not one list', {
      expected: '1',
      found: `${lists.length}`,
    })
  return list.length
}
