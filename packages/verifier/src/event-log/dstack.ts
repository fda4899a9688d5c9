import { fromHex, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { hex, integer, jcsError, list, object, parseStrictJson, type Decoder } from '@sotto/protocol/jcs'
import { DSTACK_RUNTIME_EVENT, type EventLog, typeName } from './types.ts'

/** Logs in use have 30 events and 7 kB. */
const [MAX_EVENTS, MAX_BYTES, MAX_TEXT] = [4096, 1_048_576, 262_144]
/** RTMR0 to RTMR3, which are counted from 0 here. */
const MAX_IMR = 3

/** One event as dstack writes it (`cc-eventlog` of Dstack-TEE/dstack). */
interface DstackEvent {
  imr: number
  event_type: number
  /** SHA-384. */
  digest: string
  /** Name of an event of dstack; empty for those of firmware. */
  event: string
  /** Hexadecimal; empty where the log was shortened. */
  event_payload: string
}

const words: Decoder<string> = (value, path) => {
  if (typeof value !== 'string' || value.length > MAX_TEXT)
    throw jcsError('JCS_FIELD', `${path} is malformed`, 'text')
  return value
}

const decoder = list(
  object<DstackEvent>({
    imr: integer(0, MAX_IMR),
    event_type: integer(0, 0xffff_ffff),
    digest: hex(48),
    event: words,
    event_payload: words,
  }),
  0,
  MAX_EVENTS,
)

/** Reads the event log of a dstack application. @throws `JCS_MALFORMED`, `JCS_FIELD`, `BYTES_ENCODING` (fix-input) */
export function parseDstackLog(bytes: Uint8Array): EventLog {
  const events = decoder(parseStrictJson(fromUtf8(bytes).trim(), { maxBytes: MAX_BYTES }), 'events')
  return {
    format: 'dstack',
    events: events.map(({ imr, event_type: type, digest, event, event_payload: payload }) => ({
      index: imr + 1,
      type,
      typeName: typeName(type),
      digest: fromHex(digest),
      data: fromHex(payload),
      // For other types no digest covers the name: an event relabelled so must not pass for the one it names.
      ...(event !== '' && type === DSTACK_RUNTIME_EVENT && { name: event }),
    })),
  }
}

/** What dstack hashes for an event of an application: type, name and payload, between colons. */
export function dstackPreimage(type: number, name: string, payload: Uint8Array): Uint8Array[] {
  const number = Uint8Array.of(type & 0xff, (type >> 8) & 0xff, (type >> 16) & 0xff, type >>> 24)
  const colon = utf8(':')
  return [number, colon, utf8(name), colon, payload]
}
