import { readFileSync } from 'node:fs'

/** Tables of the kernel with everything that a network namespace can be reached by. */
const TABLES = ['tcp', 'tcp6', 'udp', 'udp6'] as const

/** `TCP_LISTEN`; and `TCP_CLOSE`, which is how the kernel calls a UDP socket that takes from anybody. */
const TAKES_FROM_ANYBODY: Readonly<Record<string, string>> = { tcp: '0A', tcp6: '0A', udp: '07', udp6: '07' }

/** Number, local address and port, remote address and port, state: hexadecimal, as `proc_pid_net(5)` has them. */
const LINE = /^\s*\d+: (?:[0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) [0-9A-F]{8,32}:[0-9A-F]{4} ([0-9A-F]{2}) /

/** A port something listens on. */
export interface Listener {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

/**
 * What listens in a network namespace, whatever process it is.
 * @param folder `net` of one of its processes
 */
export function listenersOf(folder: string): Listener[] {
  return TABLES.flatMap((table) => {
    const text = readTable(`${folder}/${table}`)
    return text === undefined ? [] : parseTable(table, text)
  })
}

/**
 * The listeners of one table.
 * @param table its name; an unknown one has none
 * @throws Error for a line that is not of such a table: something may listen there
 */
export function parseTable(table: string, text: string): Listener[] {
  const state = TAKES_FROM_ANYBODY[table]
  const [, ...lines] = text.split('\n')
  return lines.flatMap((line) => {
    if (line === '') return []
    const [, port, found] = LINE.exec(line) ?? []
    if (port === undefined) throw new Error(`a line of ${table} cannot be read`)
    if (found !== state) return []
    return [{ protocol: table.startsWith('tcp') ? 'tcp' : 'udp', port: Number.parseInt(port, 16) }] as const
  })
}

/** A kernel without IPv6 has half of them. */
function readTable(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && path.endsWith('6')) return undefined
    throw error
  }
}
