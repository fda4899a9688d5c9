import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { detectHardware } from '@sotto/protocol/evidence-hardware'
import {
  collectEventLog,
  collectGramineQuote,
  collectTsmReport,
  hardwareFiles,
  type Machine,
  thisMachine,
} from '@sotto/serve/evidence'
import { ccelTable } from './ccel-table.ts'

const data = new Uint8Array(64).fill(5)
const REPORTS = 'sys/kernel/config/tsm/report'
let root: string
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'sotto-root-'))))
afterEach(() => rmSync(root, { recursive: true, force: true }))

function put(path: string, content: Uint8Array | string): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), content)
}

/** Files in a folder that come and go with their directory, as attributes of configfs do. */
function withAttributes(fill: (entry: string) => void): Machine {
  const machine = thisMachine(root)
  return {
    ...machine,
    async makeDirectory(path) {
      await machine.makeDirectory(path)
      fill(join(root, path))
    },
    async removeDirectory(path) {
      for (const name of readdirSync(join(root, path))) rmSync(join(root, path, name))
      await machine.removeDirectory(path)
    },
  }
}

function attributes(entry: string): void {
  writeFileSync(join(entry, 'provider'), 'tdx_guest\n')
  writeFileSync(join(entry, 'generation'), '0\n')
  writeFileSync(join(entry, 'inblob'), '')
}

describe('configfs-tsm in real files', () => {
  beforeEach(() => mkdirSync(join(root, REPORTS), { recursive: true }))

  it('is waited for while a read blocks, and cleaned up', async () => {
    /** What the kernel does once the data is there: the write of 64 bytes counts, then the report comes. */
    const answer = async (entry: string): Promise<void> => {
      let written = Buffer.alloc(0)
      while (written.length === 0) {
        await sleep(20)
        written = readFileSync(join(entry, 'inblob'))
      }
      writeFileSync(join(entry, 'generation'), written.length === 64 ? '1\n' : '9\n')
      // Waits for the reader, and not in the thread that has yet to start it.
      const pipe = await open(join(entry, 'outblob'), 'w')
      await pipe.writeFile(Buffer.concat([utf8('quote of '), written]))
      await pipe.close()
    }
    let kernel: Promise<void> | undefined
    const machine = withAttributes((entry) => {
      attributes(entry)
      execFileSync('mkfifo', [join(entry, 'outblob')])
      writeFileSync(join(entry, 'auxblob'), '')
      kernel = answer(entry)
    })
    const { outblob } = await collectTsmReport(machine, data)
    expect(outblob).toEqual(new Uint8Array([...utf8('quote of '), ...data]))
    expect(readdirSync(join(root, REPORTS))).toEqual([])
    await kernel
  })

  it('is given up when a read never ends', async () => {
    let pipe = ''
    const machine = withAttributes((entry) => {
      attributes(entry)
      pipe = join(entry, 'outblob')
      execFileSync('mkfifo', [pipe])
    })
    await expect(collectTsmReport(machine, data, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'COLLECT_TIMEOUT',
    })
    // The read goes on until somebody writes; then the entry is removed.
    const isThere = (): boolean => {
      try {
        closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK))
        return true
      } catch (error) {
        // Without a reader nothing waits here; a busy machine may have given up before it read.
        return (error as { code?: unknown }).code === 'ENXIO'
      }
    }
    await expect.poll(isThere).toBe(false)
  })

  it('never makes a file where there is no attribute', async () => {
    const machine = withAttributes((entry) => writeFileSync(join(entry, 'provider'), 'sev_guest'))
    await expect(collectTsmReport(machine, data)).rejects.toMatchObject({ code: 'COLLECT_UNAVAILABLE' })
    expect(readdirSync(join(root, REPORTS))).toEqual([])
  })

  it('that grows without end is cut off', async () => {
    const machine = withAttributes((entry) => {
      attributes(entry)
      writeFileSync(join(entry, 'outblob'), Buffer.alloc(1_000_000))
    })
    await expect(collectTsmReport(machine, data)).rejects.toMatchObject({
      code: 'COLLECT_MALFORMED',
      message: 'a file is longer than it may be',
    })
  })
})

describe('the event log of a TDX guest', () => {
  const folder = 'sys/firmware/acpi/tables'
  const give = (table: Buffer, log: Uint8Array = Buffer.alloc(65_536, 1)): void => {
    put(`${folder}/CCEL`, table)
    put(`${folder}/data/CCEL`, log)
  }

  it('comes with its table', async () => {
    give(ccelTable())
    const { table, log } = await collectEventLog(thisMachine(root))
    expect(table).toEqual(new Uint8Array(ccelTable()))
    expect(log).toHaveLength(65_536)
  })

  it.each<[string, Buffer]>([
    ['a table of another name', ccelTable((table) => table.write('TPM2'))],
    ['a table of another length', ccelTable((table) => table.writeUInt32LE(57, 4))],
    ['another CC type', ccelTable((table) => table.writeUInt8(1, 36))],
    ['an area smaller than the log', ccelTable((table) => table.writeBigUInt64LE(65_535n, 40))],
    ['a wrong checksum', Buffer.from(ccelTable().fill(7, 10, 11))],
    ['a truncated table', ccelTable().subarray(0, 40)],
  ])('is refused with %s', async (_what, table) => {
    give(table)
    await expect(collectEventLog(thisMachine(root))).rejects.toMatchObject({ code: 'COLLECT_MALFORMED' })
  })

  it('is missing on other machines', async () => {
    await expect(collectEventLog(thisMachine(root))).rejects.toMatchObject({
      code: 'COLLECT_UNAVAILABLE',
      hint: expect.stringContaining('TDX guest') as string,
    })
  })
})

describe('Gramine', () => {
  const folder = 'dev/attestation'
  const give = (type: string, quote: string | Uint8Array = 'quote'): void => {
    put(`${folder}/attestation_type`, type)
    put(`${folder}/user_report_data`, '')
    put(`${folder}/quote`, quote)
  }

  it('quotes what was written first', async () => {
    give('dcap')
    await expect(collectGramineQuote(thisMachine(root), data)).resolves.toEqual(utf8('quote'))
    expect(readFileSync(join(root, folder, 'user_report_data'))).toEqual(Buffer.from(data))
  })

  it('is asked one thing at a time', async () => {
    give('dcap')
    const real = thisMachine(root)
    let written = Buffer.alloc(0)
    const machine: Machine = {
      ...real,
      write: async (_path, bytes) => void (written = Buffer.from(bytes)),
      async read(path, max) {
        if (!path.endsWith('/quote')) return real.read(path, max)
        await real.sleep(2)
        return new Uint8Array(written)
      },
    }
    const all = Array.from({ length: 5 }, (_, index) => new Uint8Array(64).fill(index))
    await expect(Promise.all(all.map((one) => collectGramineQuote(machine, one)))).resolves.toEqual(all)
  })

  it.each([
    ['that makes no quotes', () => give('none'), 'COLLECT_UNAVAILABLE'],
    ['with an empty quote', () => give('dcap', ''), 'COLLECT_MALFORMED'],
    ['with a quote without end', () => give('dcap', Buffer.alloc(70_000)), 'COLLECT_MALFORMED'],
    ['that is not there', () => undefined, 'COLLECT_UNAVAILABLE'],
  ])('%s is refused', async (_what, prepare, code) => {
    prepare()
    await expect(collectGramineQuote(thisMachine(root), data)).rejects.toMatchObject({ code })
  })

  it('is not asked with data of another length', async () => {
    await expect(collectGramineQuote(thisMachine(root), new Uint8Array(32))).rejects.toMatchObject({
      code: 'COLLECT_INPUT',
    })
  })
})

describe('what a machine can attest', () => {
  it('is seen in its files', async () => {
    put('dev/attestation/attestation_type', 'dcap\n')
    put('dev/sev-guest', '')
    const found = await detectHardware(hardwareFiles(root))
    expect(Object.fromEntries(found.map(({ source, status }) => [source, status]))).toEqual({
      'sev-snp': 'blocked',
      tdx: 'absent',
      'azure-cvm': 'absent',
      sgx: 'ready',
      nitro: 'absent',
      nvidia: 'absent',
    })
  })

  it('is told on this one too', async () => {
    await expect(detectHardware(hardwareFiles())).resolves.toHaveLength(6)
  })
})
