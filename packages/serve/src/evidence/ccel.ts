import { fromUtf8 } from '@sotto/protocol/bytes'
import { EVIDENCE_LIMITS } from '@sotto/protocol/keyrelease'
import { collectError, withErrno } from './errors.ts'
import type { Machine } from './machine.ts'

/** ACPI table of the event log of a confidential virtual machine (UEFI 2.10 Section 38.4), and its area in memory. */
const TABLE = '/sys/firmware/acpi/tables/CCEL'
const LOG = '/sys/firmware/acpi/tables/data/CCEL'
/** Header of ACPI, CC type and subtype, reserved bytes, length and address of the log. */
const TABLE_BYTES = 56
/** CC type of TDX; SEV has none of these tables. */
const TYPE_TDX = 2
/** Log areas have 64 KiB; firmware of 2026 up to 1 MiB, and no message carries a longer one. */
const MAX_LOG_BYTES = EVIDENCE_LIMITS.pieceBytes

const HINTS = {
  COLLECT_UNAVAILABLE:
    'the firmware of this machine keeps no event log; it is a TDX guest of Linux 6.2 or later?',
  COLLECT_DENIED: 'run as root: only it may read /sys/firmware/acpi/tables',
}

/** What was measured into the RTMRs until the operating system took over. */
export interface CcelEventLog {
  /** The ACPI table. */
  table: Uint8Array
  /** TCG event log, with the rest of its area. Replay it before believing a word. */
  log: Uint8Array
}

/** Reads the event log of a TDX guest. @throws `COLLECT_*` */
export async function collectEventLog(machine: Machine): Promise<CcelEventLog> {
  return withErrno('the event log', HINTS, async () => {
    const table = await machine.read(TABLE, TABLE_BYTES)
    requireTable(table)
    const log = await machine.read(LOG, MAX_LOG_BYTES)
    const areaLength = Number(new DataView(table.buffer, table.byteOffset).getBigUint64(40, true))
    if (log.length === 0 || log.length > areaLength)
      throw collectError('COLLECT_MALFORMED', 'the event log does not fit its area', {
        expected: `1 to ${areaLength} bytes`,
        found: `${log.length}`,
      })
    return { table, log }
  })
}

function requireTable(table: Uint8Array): void {
  const malformed = (what: string, expected: string, found: string): Error =>
    collectError('COLLECT_MALFORMED', `${what} of the table CCEL is another`, { expected, found })
  if (table.length !== TABLE_BYTES) throw malformed('length', `${TABLE_BYTES}`, `${table.length}`)
  const signature = fromUtf8(table.subarray(0, 4).map((byte) => byte & 0x7f))
  if (signature !== 'CCEL') throw malformed('signature', 'CCEL', 'something else')
  const view = new DataView(table.buffer, table.byteOffset, table.length)
  const length = view.getUint32(4, true)
  if (length !== TABLE_BYTES) throw malformed('length field', `${TABLE_BYTES}`, `${length}`)
  if (table[36] !== TYPE_TDX) throw malformed('CC type', `${TYPE_TDX}`, `${table[36]}`)
  const sum = table.reduce((total, byte) => (total + byte) & 0xff, 0)
  if (sum !== 0) throw malformed('checksum', 'bytes that add up to 0', `${sum}`)
}
