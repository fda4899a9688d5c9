import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { collectError, errnoOf, withErrno } from './errors.ts'
import type { Machine } from './machine.ts'
import { withTimeout } from './timeout.ts'

/** Documentation/ABI/testing/configfs-tsm-report of the Linux kernel, 6.7 and later. */
const REPORTS = '/sys/kernel/config/tsm/report'
/** TSM_REPORT_OUTBLOB_MAX. */
const MAX_BLOB_BYTES = 32_768
const MAX_TEXT_BYTES = 64
/** What every processor here takes: REPORT_DATA, REPORTDATA. */
const REPORT_DATA_BYTES = 64
/** A report takes milliseconds on SEV-SNP; a TDX quote up to some seconds in the host's quoting enclave. */
const DEFAULT_TIMEOUT_MS = 30_000
/** Between tries while the provider is taken by another guest process, or limits its rate. */
const RETRY_MS = 50
/** Tries with an entry of its own before something else is at work. */
const MAX_ATTEMPTS = 3

const HINTS = {
  COLLECT_UNAVAILABLE:
    'load sev-guest or tdx-guest and mount configfs (mount -t configfs none /sys/kernel/config); Linux 6.7 or later',
  COLLECT_DENIED: 'run as root: only it may make entries in /sys/kernel/config/tsm/report',
}

/** Name of a driver that makes reports, and whose they are. */
export type TsmProvider = 'sev_guest' | 'tdx_guest'
const PROVIDERS: readonly string[] = ['sev_guest', 'tdx_guest'] satisfies TsmProvider[]

/** A report with what came beside it. */
export interface TsmReport {
  provider: TsmProvider
  /** Attestation report or quote. */
  outblob: Uint8Array
  /** SEV-SNP: the host's table of certificates, see `splitCertificateTable`. Undefined where there is none. */
  auxblob: Uint8Array | undefined
}

/** How a report is asked for. */
export interface TsmOptions {
  /** VMPL to ask for, 0 (highest) to 3. Default: what the driver chooses. SEV-SNP only. */
  privilegeLevel?: number
  /** For the whole of it, milliseconds. Default 30000. */
  timeoutMs?: number
}

/**
 * Has the processor make a report about this virtual machine, through configfs-tsm.
 *
 * Every call has an entry of its own under a random name, so that two at once never read each other's
 * report; the kernel's count of writes proves it. The entry is always removed.
 *
 * @param reportData 64 bytes
 * @throws `COLLECT_*`
 */
export async function collectTsmReport(
  machine: Machine,
  reportData: Uint8Array,
  options: TsmOptions = {},
): Promise<TsmReport> {
  const { privilegeLevel, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  if (reportData.length !== REPORT_DATA_BYTES)
    throw collectError('COLLECT_INPUT', 'report data has another length', {
      expected: `${REPORT_DATA_BYTES} bytes`,
      found: `${reportData.length}`,
    })
  if (privilegeLevel !== undefined && ![0, 1, 2, 3].includes(privilegeLevel))
    throw collectError('COLLECT_INPUT', 'no such privilege level', {
      expected: '0 to 3',
      found: `${privilegeLevel}`,
    })
  const deadline = machine.now() + timeoutMs
  for (let attempt = 1; ; attempt++) {
    const report = await withErrno('the report of the processor', HINTS, () =>
      collectOnce(machine, reportData, privilegeLevel, deadline),
    )
    if (report !== undefined) return report
    if (attempt === MAX_ATTEMPTS)
      throw collectError('COLLECT_BUSY', 'somebody else writes into our entry of configfs-tsm', {
        expected: 'an entry that only this process writes',
      })
  }
}

/** One entry, one report; undefined when somebody else wrote into the entry meanwhile. */
async function collectOnce(
  machine: Machine,
  reportData: Uint8Array,
  privilegeLevel: number | undefined,
  deadline: number,
): Promise<TsmReport | undefined> {
  const entry = `${REPORTS}/sotto-${toHex(machine.random(16))}`
  await machine.makeDirectory(entry)
  const attribute = (name: string): string => `${entry}/${name}`
  /** Settles when the kernel has let go of everything that was read. */
  let reading: Promise<unknown> = Promise.resolve()
  const readBlob = async (name: string): Promise<Uint8Array> => {
    const read = untilReady(machine, deadline, () => machine.read(attribute(name), MAX_BLOB_BYTES))
    reading = read.catch(() => undefined)
    return withTimeout(machine, Math.max(0, deadline - machine.now()), name, read)
  }
  try {
    const provider = await readText(machine, attribute('provider'))
    if (!PROVIDERS.includes(provider))
      throw collectError('COLLECT_UNAVAILABLE', 'the provider of reports is not one that is verified here', {
        expected: PROVIDERS.join(' or '),
        found: provider,
      })
    const first = await readGeneration(machine, attribute('generation'))
    let writes = 0
    const write = async (name: string, value: Uint8Array): Promise<void> => {
      await untilReady(machine, deadline, () => machine.write(attribute(name), value))
      writes++
    }
    if (privilegeLevel !== undefined) await write('privlevel', utf8(`${privilegeLevel}`))
    await write('inblob', reportData)
    const outblob = await readBlob('outblob')
    if (outblob.length === 0) throw collectError('COLLECT_MALFORMED', 'the report is empty')
    const auxblob = await orNothing(readBlob('auxblob'))
    const last = await readGeneration(machine, attribute('generation'))
    if (last !== first + writes) return undefined
    return { provider: provider as TsmProvider, outblob, auxblob }
  } finally {
    // rmdir(2) waits for readers: behind a read that hangs it would hang too, and keep the caller.
    const removal = reading.then(() => machine.removeDirectory(entry)).catch(() => undefined)
    await withTimeout(machine, RETRY_MS, entry, removal).catch(() => undefined)
  }
}

/** Repeats what the kernel says is busy (another guest process asks, or the host limits the rate) until the time is up. */
async function untilReady<Result>(
  machine: Machine,
  deadline: number,
  run: () => Promise<Result>,
): Promise<Result> {
  for (;;) {
    try {
      return await run()
    } catch (error) {
      const isBusy = ['EBUSY', 'EAGAIN', 'EINTR'].includes(errnoOf(error) ?? '')
      if (!isBusy || machine.now() + RETRY_MS >= deadline) throw error
    }
    await machine.sleep(RETRY_MS)
  }
}

/** An attribute that this provider does not have, or has nothing in. */
async function orNothing(blob: Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    const bytes = await blob
    return bytes.length === 0 ? undefined : bytes
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function readGeneration(machine: Machine, path: string): Promise<number> {
  const text = await readText(machine, path)
  if (!/^\d{1,10}$/.test(text))
    throw collectError('COLLECT_MALFORMED', 'generation is no number', { expected: 'digits' })
  return Number(text)
}

async function readText(machine: Machine, path: string): Promise<string> {
  const text = fromUtf8(await machine.read(path, MAX_TEXT_BYTES)).trim()
  return /^[\x21-\x7e]*$/.test(text) ? text : ''
}
