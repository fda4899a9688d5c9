import { fromBase64, fromUtf8 } from '@sotto/protocol/bytes'
import { parseEventLog, replayEventLog } from '@sotto/verifier/event-log'
import type { FieldObject } from '@sotto/verifier/family'
import { nrasCertificateFields, nvidiaRoots, verifyNrasCertificates } from '@sotto/verifier/nvidia'
import { verifySnpCertificates } from '@sotto/verifier/snp'
import { REMARKS, type Expectation } from './attestation-expectation.ts'
import { expectEqual } from './harness.ts'

/**
 * Checks a vector that is no evidence by itself: an event log, the certificates of a chip, the certificates
 * of a service's key. What it is follows from what its expectation speaks of.
 * @throws for one that nothing here understands
 */
export function checkParts(
  { expect, verify_at: at, id }: Expectation,
  pieces: Record<string, Uint8Array>,
): void {
  const seconds = Date.parse(at ?? '2026-01-01T00:00:00Z') / 1000
  const fields = fieldsOf(pieces, expect, seconds)
  if (fields === undefined) throw new Error(`nothing checks ${id}`)
  for (const [name, expected] of Object.entries(expect))
    if (!REMARKS.has(name)) expectEqual(name, fields[name], expected)
}

function fieldsOf(
  pieces: Record<string, Uint8Array>,
  expect: Expectation['expect'],
  at: number,
): FieldObject | undefined {
  if ('rtmr_replay' in expect) return eventLogFields(pieces)
  if ('extensions' in expect) {
    const { authentic, fields } = verifySnpCertificates(pieces, at)
    return { ...fields, chain: authentic ? 'ok' : 'invalid' }
  }
  if ('subjects' in expect) {
    const x5c = certificatesOf(pieces)
    verifyNrasCertificates(x5c, at, nvidiaRoots())
    return nrasCertificateFields(x5c)
  }
  return undefined
}

/** The log is the piece that reads as one; beside it lies what another parser made of it. */
function eventLogFields(pieces: Record<string, Uint8Array>): FieldObject | undefined {
  for (const bytes of Object.values(pieces)) {
    if (bytes[0] === 0x7b) continue
    const log = parseEventLog(bytes)
    return { events: log.events.length, rtmr_replay: replayEventLog(log) }
  }
  return undefined
}

function certificatesOf(pieces: Record<string, Uint8Array>): Uint8Array[] {
  const json = Object.values(pieces).find((bytes) => bytes[0] === 0x7b)
  if (json === undefined) throw new Error('no list of certificates')
  return (JSON.parse(fromUtf8(json)) as { x5c: string[] }).x5c.map(fromBase64)
}
