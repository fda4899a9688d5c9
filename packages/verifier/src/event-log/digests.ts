import { equalBytes } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { dstackPreimage } from './dstack.ts'
import { DSTACK_RUNTIME_EVENT, type EventLog, type LogEvent } from './types.ts'

const EV_EFI_VARIABLE_BOOT = 0x8000_0002
/** Types whose data are the hashed bytes ("TCG PC Client Platform Firmware Profile", section 10.4). */
const HASHED_AS_LOGGED: ReadonlySet<number> = new Set([
  0x0000_0004, // EV_SEPARATOR
  0x0000_0005, // EV_ACTION
  0x8000_0001, // EV_EFI_VARIABLE_DRIVER_CONFIG
  EV_EFI_VARIABLE_BOOT,
  0x8000_0006, // EV_EFI_GPT_EVENT
  0x8000_0007, // EV_EFI_ACTION
  0x8000_00e0, // EV_EFI_VARIABLE_AUTHORITY
  DSTACK_RUNTIME_EVENT,
])
/** UEFI_VARIABLE_DATA: GUID, two lengths of 8 bytes, name in UTF-16, value. */
const VARIABLE_HEADER_BYTES = 32

/** Whether the digest is the hash of the data as they stand in the log. Most types hash something else. */
export function isDigestOfData({ data, digest }: LogEvent): boolean {
  return equalBytes(publicCrypto.sha384(data), digest)
}

/**
 * Events whose data are not what was measured, of types where they have to be. The digests alone reproduce
 * the registers: whoever wrote the log could tell any story beside them.
 */
export function findForgedEvents({ format, events }: EventLog): LogEvent[] {
  return events.filter((event) => {
    if (!HASHED_AS_LOGGED.has(event.type)) return false
    // dstack may leave the payload of firmware events out: nothing is told, then.
    if (format === 'dstack' && event.type !== DSTACK_RUNTIME_EVENT && event.data.length === 0) return false
    return !isTrue(event)
  })
}

function isTrue(event: LogEvent): boolean {
  const { type, name, data, digest } = event
  if (type === DSTACK_RUNTIME_EVENT)
    return equalBytes(publicCrypto.sha384(...dstackPreimage(type, name ?? '', data)), digest)
  if (isDigestOfData(event)) return true
  // Firmware measures the value of a boot variable without its name.
  return type === EV_EFI_VARIABLE_BOOT && equalBytes(publicCrypto.sha384(variableValue(data)), digest)
}

function variableValue(data: Uint8Array): Uint8Array {
  if (data.length < VARIABLE_HEADER_BYTES) return data
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  const [nameLength, valueLength] = [view.getUint32(16, true), view.getUint32(24, true)]
  const start = VARIABLE_HEADER_BYTES + 2 * nameLength
  const isExact =
    view.getUint32(20, true) === 0 && view.getUint32(28, true) === 0 && start + valueLength === data.length
  return isExact ? data.subarray(start) : data
}
