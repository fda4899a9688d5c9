import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { bundleBytes, createFakeIntel } from '@sotto/testkit/dcap'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { verifyTdx } from '@sotto/verifier/tdx'
import { writeCcel } from './ccel-writer.ts'
import { events, log, rtmr0, rtmr3, zero } from './fake-events.ts'

describe('a quote with an event log', () => {
  const intel = createFakeIntel()
  const judge = (pieces: Record<string, Uint8Array>, requireEventLog = false) =>
    verifyTdx(
      {
        evidence: intel.tdQuote({ RTMR: [rtmr0, zero, zero, rtmr3] }),
        collateral: { ...bundleBytes(intel.bundle('tdx')), ...pieces },
        at: FAKE_NOW,
        policy: { requireEventLog },
      },
      { roots: intel.roots },
    )

  it('is accepted when the log is its own', () => {
    expect(judge({ log })).toMatchObject({
      acceptable: true,
      fields: { event_log: { ccel_events: 4, rtmr_match: { rtmr0: true, rtmr3: true } } },
    })
  })

  it.each<[string, Record<string, Uint8Array>]>([
    ['another log', { log: writeCcel(events.slice(0, 3)) }],
    [
      'a log with an event told differently',
      {
        log: writeCcel(
          events.with(3, {
            ...events[3]!,
            data: utf8('all is well'),
            digest: crypto.sha384(utf8('Exit Boot Services Invocation')),
          }),
        ),
      },
    ],
    ['a log that is cut off', { log: log.subarray(0, 150) }],
    ['two logs', { log, other: writeCcel(events) }],
    ['an empty log', { log: utf8('[{"imr":0}]') }],
  ])('is refused with %s', (_what, pieces) => {
    expect(judge(pieces)).toMatchObject({ authentic: true, acceptable: false, reason: 'event-log' })
  })

  it('needs one only where the policy says so', () => {
    expect(judge({}).acceptable).toBe(true)
    expect(judge({}, true)).toMatchObject({ acceptable: false, reason: 'collateral-missing' })
    expect(judge({ log }, true).acceptable).toBe(true)
  })
})
