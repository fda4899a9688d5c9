import { setTimeout as sleep } from 'node:timers/promises'
import { concat, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type Machine, thisMachine } from '@sotto/serve/evidence'

/** An error of the system as Node throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: model of the kernel`), { code })
}

/** How the model differs from a kernel in good order. */
export interface TsmModelOptions {
  provider?: string
  /** The host's certificates; `null`: no such attribute. */
  auxblob?: Uint8Array | null
  /** What the provider makes of report data. Default its name and the data. */
  report?: (reportData: Uint8Array, privilegeLevel: number | undefined) => Uint8Array
  /** Errors that reading `outblob` gives first. */
  failures?: string[]
  /** Milliseconds that reading `outblob` takes. */
  delayMs?: number
  /** Runs after a write into an entry: what somebody else does there. */
  intrude?: (entry: TsmEntry) => void
  /** Error of `mkdir(2)`. */
  denied?: string
}

/** One directory below `/sys/kernel/config/tsm/report`. */
export interface TsmEntry {
  inblob: Uint8Array
  privilegeLevel: number | undefined
  writes: number
  readers: number
}

/** A machine with configfs-tsm as `drivers/virt/coco/tsm.c` makes it, and what it saw. */
export interface TsmModel {
  machine: Machine
  entries: Map<string, TsmEntry>
  /** Entries that were ever made, in order. */
  made: string[]
  written: { name: string; bytes: Uint8Array }[]
}

const REPORTS = '/sys/kernel/config/tsm/report/'

/** Makes a model of the kernel's attribute files: sizes, the count of writes, and what blocks. */
export function tsmModel(options: TsmModelOptions = {}): TsmModel {
  const { provider = 'sev_guest', failures = [], delayMs = 0 } = options
  const model: Omit<TsmModel, 'machine'> = { entries: new Map(), made: [], written: [] }
  const make = options.report ?? ((data) => concat(utf8(`${provider}:`), data))
  const find = (path: string): { entry: TsmEntry; attribute: string } => {
    const [name = '', attribute = ''] = path.slice(REPORTS.length).split('/')
    const entry = model.entries.get(name)
    if (!path.startsWith(REPORTS) || entry === undefined) throw systemError('ENOENT')
    return { entry, attribute }
  }

  const read = async (path: string): Promise<Uint8Array> => {
    const { entry, attribute } = find(path)
    if (attribute === 'provider') return utf8(`${provider}\n`)
    if (attribute === 'generation') return utf8(`${entry.writes}\n`)
    if (attribute !== 'outblob' && attribute !== 'auxblob') throw systemError('ENOENT')
    if (attribute === 'auxblob' && options.auxblob === null) throw systemError('ENOENT')
    // tsm_report_read: no report without report data.
    if (entry.inblob.length === 0) throw systemError('EINVAL')
    entry.readers++
    try {
      if (delayMs > 0) await sleep(delayMs)
      const failure = failures.shift()
      if (failure !== undefined) throw systemError(failure)
      if (attribute === 'auxblob') return options.auxblob ?? new Uint8Array(0)
      return make(entry.inblob, entry.privilegeLevel)
    } finally {
      entry.readers--
    }
  }

  const write = (path: string, bytes: Uint8Array): void => {
    const { entry, attribute } = find(path)
    model.written.push({ name: attribute, bytes })
    if (attribute === 'inblob') {
      // TSM_REPORT_INBLOB_MAX.
      if (bytes.length > 64) throw systemError('EINVAL')
      entry.inblob = bytes
    } else if (attribute === 'privlevel') {
      const level = Number(fromUtf8(bytes))
      if (!Number.isInteger(level) || level > 3) throw systemError('EINVAL')
      entry.privilegeLevel = level
    } else throw systemError('EACCES')
    entry.writes++
    options.intrude?.(entry)
  }

  const machine: Machine = {
    ...thisMachine('/nonexistent'),
    async makeDirectory(path) {
      if (options.denied !== undefined) throw systemError(options.denied)
      const name = path.slice(REPORTS.length)
      if (model.entries.has(name)) throw systemError('EEXIST')
      model.entries.set(name, { inblob: new Uint8Array(0), privilegeLevel: undefined, writes: 0, readers: 0 })
      model.made.push(name)
    },
    async removeDirectory(path) {
      // configfs_rmdir waits for readers of attributes.
      const { entry } = find(path)
      while (entry.readers > 0) await sleep(1)
      model.entries.delete(path.slice(REPORTS.length))
    },
    async read(path, maxBytes) {
      const bytes = await read(path)
      if (bytes.length > maxBytes)
        throw Object.assign(new Error('too long'), { code: 'COLLECT_MALFORMED', name: 'SottoError' })
      return bytes
    },
    write: async (path, bytes) => write(path, bytes),
    random: (bytes) => crypto.randomBytes(bytes),
  }
  return { ...model, machine }
}
