import { toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { EV_NO_ACTION, type EventLog } from './types.ts'

/** A register that nothing extended. */
const INITIAL = new Uint8Array(48)

/**
 * What the registers must be after the events of a log: `mr1` to `mr4` for RTMR0 to RTMR3, hexadecimal;
 * those that no event extended are left out, as they are zero. An event of type EV_NO_ACTION extends nothing.
 */
export function replayEventLog({ events }: EventLog): Record<string, string> {
  const registers = new Map<number, Uint8Array>()
  for (const { index, type, digest } of events) {
    if (type === EV_NO_ACTION) continue
    registers.set(index, publicCrypto.sha384(registers.get(index) ?? INITIAL, digest))
  }
  const byIndex = [...registers].sort(([a], [b]) => a - b)
  return Object.fromEntries(byIndex.map(([index, value]) => [`mr${index}`, toHex(value)]))
}

/** Whether each register of a quote is what the log says. */
export function compareRegisters(
  log: EventLog,
  rtmrs: readonly Uint8Array[],
): Record<`rtmr${number}`, boolean> {
  const replayed = replayEventLog(log)
  const initial = toHex(INITIAL)
  return Object.fromEntries(
    rtmrs.map((rtmr, i) => [`rtmr${i}`, (replayed[`mr${i + 1}`] ?? initial) === toHex(rtmr)]),
  )
}
