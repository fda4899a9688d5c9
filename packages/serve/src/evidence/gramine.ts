import { fromUtf8 } from '@sotto/protocol/bytes'
import { collectError, withErrno } from './errors.ts'
import type { Machine } from './machine.ts'
import { withTimeout } from './timeout.ts'

/** Pseudo-files of the library OS (https://gramine.readthedocs.io, "Attestation and Secret Provisioning"). */
const FOLDER = '/dev/attestation'
const REPORT_DATA_BYTES = 64
/** Quotes have 5 kB; Gramine's own buffer 8 KiB. */
const MAX_QUOTE_BYTES = 65_536
const DEFAULT_TIMEOUT_MS = 30_000

const HINTS = {
  COLLECT_UNAVAILABLE:
    'start this program with gramine-sgx; gramine-direct and plain processes have no quotes',
  COLLECT_DENIED: 'set sgx.remote_attestation = "dcap" in the manifest of Gramine',
}

/**
 * Has the enclave around this process quoted by Intel's quoting enclave, through Gramine. One at a time
 * per process: the report data stands in one file for all.
 *
 * @param reportData 64 bytes
 * @throws `COLLECT_*`
 */
export async function collectGramineQuote(
  machine: Machine,
  reportData: Uint8Array,
  timeoutMs: number = DEFAULT_TIMEOUT_MS,
): Promise<Uint8Array> {
  if (reportData.length !== REPORT_DATA_BYTES)
    throw collectError('COLLECT_INPUT', 'report data has another length', {
      expected: `${REPORT_DATA_BYTES} bytes`,
      found: `${reportData.length}`,
    })
  const before = turns.get(machine) ?? Promise.resolve()
  const turn = before.then(() => quoteOnce(machine, reportData, timeoutMs))
  turns.set(
    machine,
    turn.catch(() => undefined),
  )
  return turn
}

/** The last call on each machine. */
const turns = new WeakMap<Machine, Promise<unknown>>()

async function quoteOnce(machine: Machine, reportData: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
  return withErrno('the quote of the enclave', HINTS, async () => {
    const type = fromUtf8(await machine.read(`${FOLDER}/attestation_type`, 32)).trim()
    if (type !== 'dcap')
      throw collectError('COLLECT_UNAVAILABLE', 'Gramine makes no DCAP quotes here', {
        expected: 'dcap',
        found: /^\w{1,16}$/.test(type) ? type : 'something else',
        hint: HINTS.COLLECT_DENIED,
      })
    await machine.write(`${FOLDER}/user_report_data`, reportData)
    const quote = await withTimeout(
      machine,
      timeoutMs,
      'the quote of the enclave',
      machine.read(`${FOLDER}/quote`, MAX_QUOTE_BYTES),
    )
    if (quote.length === 0) throw collectError('COLLECT_MALFORMED', 'the quote is empty')
    return quote
  })
}
