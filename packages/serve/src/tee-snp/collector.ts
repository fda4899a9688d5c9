import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { toBase64Url } from '@sotto/protocol/bytes'
import { serveError } from '../errors/index.ts'
import type { TrustedHardware } from '../tee/types.ts'
import { parseCertificateTable } from './certificate-table.ts'

/** The four file operations configfs-tsm needs. */
export interface TsmFiles {
  mkdir(path: string): Promise<void>
  rmdir(path: string): Promise<void>
  read(path: string): Promise<Uint8Array>
  /** One write call with all the bytes: the kernel refuses a report request in parts. */
  write(path: string, bytes: Uint8Array): Promise<void>
}

/** Where and how reports are collected. */
export interface SnpOptions {
  /** Default `/sys/kernel/config/tsm/report`. */
  directory?: string
  /** DER certificates VCEK or VLEK, ASK, ARK, used when the host attaches none. */
  certificates?: readonly Uint8Array[]
  files?: TsmFiles
  /** Default 10000. */
  timeoutMs?: number
  /** 8 random bytes as hexadecimal, the name of one report directory. */
  randomName?: () => string
}

const REPORT_DATA_LENGTH = 64
const REPORT_LENGTH = 1184
const PROVIDER = 'sev_guest'
/** Times a report is asked for again because somebody else used our directory in between. */
const MAX_ATTEMPTS = 3

/**
 * Collects AMD SEV-SNP reports through configfs-tsm (Linux `Documentation/ABI/testing/configfs-tsm`):
 * plain files, no native code. Root inside the guest can read them; the report itself is public.
 */
export function snpHardware(options: SnpOptions = {}): TrustedHardware {
  const directory = options.directory ?? '/sys/kernel/config/tsm/report'
  const files = options.files ?? realFiles
  const timeoutMs = options.timeoutMs ?? 10_000
  const randomName = options.randomName ?? (() => randomBytes(8).toString('hex'))

  async function collectOnce(
    reportData: Uint8Array,
  ): Promise<{ report: Uint8Array; table: Uint8Array } | undefined> {
    const path = `${directory}/sotto-${randomName()}`
    await files.mkdir(path)
    try {
      const provider = Buffer.from(await files.read(`${path}/provider`))
        .toString('latin1')
        .trim()
      if (provider !== PROVIDER)
        throw serveError('TEE_UNAVAILABLE', 'this machine offers reports of another kind', {
          expected: PROVIDER,
        })
      await files.write(`${path}/inblob`, reportData)
      const report = await files.read(`${path}/outblob`)
      const table = await files.read(`${path}/auxblob`).catch(() => new Uint8Array())
      const generation = Number(
        Buffer.from(await files.read(`${path}/generation`))
          .toString('latin1')
          .trim(),
      )
      // Above 1, another writer changed the input between our write and our read.
      return generation <= 1 ? { report, table } : undefined
    } finally {
      await files.rmdir(path).catch(() => undefined)
    }
  }

  async function collect(reportData: Uint8Array): Promise<{ report: Uint8Array; table: Uint8Array }> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const collected = await collectOnce(reportData)
      if (collected !== undefined) return collected
    }
    throw serveError('TEE_UNAVAILABLE', 'somebody else keeps using the report directory')
  }

  return {
    family: 'snp',
    async collectEvidence(reportData) {
      if (reportData.length !== REPORT_DATA_LENGTH) throw new RangeError('REPORT_DATA has 64 bytes')
      const { report, table } = await withTimeout(collect(reportData), timeoutMs)
      if (report.length !== REPORT_LENGTH)
        throw serveError('TEE_MALFORMED', 'the report does not have 1184 bytes')
      const attached = parseCertificateTable(table)
      const chain = attached.length > 0 ? attached : (options.certificates ?? [])
      return { family: 'snp', report: toBase64Url(report), chain: chain.map((der) => toBase64Url(der)) }
    },
    async deriveSealingKey() {
      // MSG_KEY_REQ is reachable by ioctl only, and files are all this process may use.
      throw serveError(
        'TEE_NO_SEALING',
        'SNP offers a derived key only through an ioctl helper, which this image lacks',
      )
    },
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(serveError('TEE_UNAVAILABLE', 'the hardware does not answer')),
    timeoutMs,
  )
  try {
    return await Promise.race([work, promise])
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && String(cause.code).startsWith('TEE_')) throw cause
    throw serveError('TEE_UNAVAILABLE', 'the report files cannot be used', { cause })
  } finally {
    clearTimeout(timer)
  }
}

const realFiles: TsmFiles = {
  mkdir: async (path) => void (await mkdir(path)),
  rmdir,
  read: async (path) => readFile(path),
  write: async (path, bytes) => writeFile(path, bytes),
}
