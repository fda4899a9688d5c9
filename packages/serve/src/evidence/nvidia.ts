import { fromUtf8, toHex } from '@sotto/protocol/bytes'
import { EVIDENCE_LIMITS } from '@sotto/protocol/keyrelease'
import { collectError } from './errors.ts'
import { type Helper, printable, runHelper } from './helper.ts'

/** SPDM (DSP0274 Section 10.11): the nonce of GET_MEASUREMENTS. */
const NONCE_BYTES = 32
/** Eight GPUs have 12 kB of evidence each, in base64; what no message carries is not taken either. */
const MAX_EVIDENCE_BYTES = EVIDENCE_LIMITS.pieceBytes
const DEFAULT_TIMEOUT_MS = 120_000
/** Each answer is one line. */
const MAX_STATUS_BYTES = 4096

/**
 * What `nvidia-smi conf-compute` has to say, and nothing beside it, before a GPU is asked for evidence. In DevTools mode
 * memory and links can be read from outside, and no field of a report tells (NVIDIA, "Deployment Guide for
 * Confidential Computing": the modes on, off and devtools).
 */
const MODES = [
  { flag: '-f', expected: 'CC status: ON', what: 'confidential computing is not on' },
  { flag: '-d', expected: 'DevTools Mode: OFF', what: 'the DevTools mode is not off' },
] as const

/** NVIDIA's programs on this machine. */
export interface GpuHelpers extends Pick<Helper, 'timeoutMs'> {
  /** Has GPUs sign. Default `nvattest`. */
  command?: string
  /** Says in which mode they run. Default `nvidia-smi`. */
  statusCommand?: string
}

/**
 * Has the GPUs of this machine signed for, through NVIDIA's own program, unless they run in a mode that evidence does
 * not tell from the confidential one.
 *
 * @param nonce 32 bytes; bind it to the report of the processor, or a GPU of another machine passes
 * @returns the program's JSON: a list with one entry for each GPU
 * @throws `COLLECT_*`
 */
export async function collectGpuEvidence(
  nonce: Uint8Array,
  { command = 'nvattest', statusCommand = 'nvidia-smi', timeoutMs = DEFAULT_TIMEOUT_MS }: GpuHelpers = {},
): Promise<Uint8Array> {
  if (nonce.length !== NONCE_BYTES)
    throw collectError('COLLECT_INPUT', 'the nonce has another length', {
      expected: `${NONCE_BYTES} bytes`,
      found: `${nonce.length}`,
    })
  await requireConfidentialMode(statusCommand, timeoutMs)
  const args = ['collect-evidence', '--device', 'gpu', '--nonce', toHex(nonce), '--format', 'json']
  const output = await runHelper({ command, args, timeoutMs, maxBytes: MAX_EVIDENCE_BYTES })
  if (countEntries(output) === 0)
    throw collectError('COLLECT_UNAVAILABLE', 'there is no GPU in confidential mode')
  return output
}

/** @throws `COLLECT_UNAVAILABLE` for another answer than {@link MODES} has, or an answer more */
async function requireConfidentialMode(command: string, timeoutMs: number): Promise<void> {
  for (const { flag, expected, what } of MODES) {
    const args = ['conf-compute', flag]
    const output = await runHelper({ command, args, timeoutMs, maxBytes: MAX_STATUS_BYTES })
    const line = Buffer.from(output).toString('latin1').trim()
    if (line.toLowerCase() === expected.toLowerCase()) continue
    throw collectError('COLLECT_UNAVAILABLE', what, {
      expected,
      found: printable(output) || 'nothing',
      hint: 'the host sets the mode of a GPU (nvtrust, gpu-admin-tools: --set-cc-mode=on) before it gives it to a guest',
    })
  }
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
