import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collectError } from './errors.ts'
import { type Helper, runHelper } from './helper.ts'

const REPORT_DATA_BYTES = 64
/** AMD 56860: the same for every version. */
const REPORT_BYTES = 1184

/** Where to find `snpguest` (https://github.com/virtee/snpguest), and where its files go. */
export interface SnpguestOptions extends Pick<Helper, 'timeoutMs'> {
  /** Default `snpguest` in `PATH`. */
  command?: string
  /** Default the system's folder for temporary files. */
  directory?: string
}

/**
 * Has an SNP report made through `/dev/sev-guest`, for kernels that have no configfs-tsm.
 *
 * @param reportData 64 bytes
 * @throws `COLLECT_*`
 */
export async function collectWithSnpguest(
  reportData: Uint8Array,
  options: SnpguestOptions = {},
): Promise<Uint8Array> {
  const { command = 'snpguest', directory = tmpdir(), timeoutMs } = options
  if (reportData.length !== REPORT_DATA_BYTES)
    throw collectError('COLLECT_INPUT', 'report data has another length', {
      expected: `${REPORT_DATA_BYTES} bytes`,
      found: `${reportData.length}`,
    })
  const folder = await mkdtemp(join(directory, 'sotto-report-'))
  try {
    const [report, request] = [join(folder, 'report.bin'), join(folder, 'request.bin')]
    await writeFile(request, reportData, { mode: 0o600 })
    await runHelper({
      command,
      args: ['report', report, request],
      ...(timeoutMs !== undefined && { timeoutMs }),
    })
    const bytes = await readFile(report).catch((cause: unknown) => {
      throw collectError('COLLECT_MALFORMED', `${command} left no report`, { cause })
    })
    if (bytes.length !== REPORT_BYTES)
      throw collectError('COLLECT_MALFORMED', `${command} left something else than a report`, {
        expected: `${REPORT_BYTES} bytes`,
        found: `${bytes.length}`,
      })
    return new Uint8Array(bytes)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
