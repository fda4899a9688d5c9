import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, fromBase64, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  compareRegisters,
  findForgedEvents,
  isDigestOfData,
  parseEventLog,
  replayEventLog,
} from '@sotto/verifier/event-log'
import { hasVectors, vectorFile, vectorFolders } from '../dcap/vectors.ts'
import { EV, writeCcel, type WrittenEvent } from './ccel-writer.ts'
import { events, log, rtmr0, rtmr3, separator, zero } from './fake-events.ts'

const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED' })

describe('a CC event log', () => {
  it('is read with everything it tells', () => {
    const { format, events: read } = parseEventLog(log)
    expect(format).toBe('ccel')
    expect(read.map(({ index, typeName }) => [index, typeName])).toEqual([
      [0, 'EV_NO_ACTION'],
      [1, 'EV_IPL'],
      [1, 'EV_SEPARATOR'],
      [4, 'EV_EFI_ACTION'],
    ])
    expect(read[1]).toMatchObject({ data: utf8('grub.cfg'), digest: new Uint8Array(48).fill(1) })
  })

  it('leads to registers, without the events that extend none', () => {
    expect(replayEventLog(parseEventLog(log))).toEqual({ mr1: toHex(rtmr0), mr4: toHex(rtmr3) })
    expect(compareRegisters(parseEventLog(log), [rtmr0, zero, zero, rtmr3])).toEqual({
      rtmr0: true,
      rtmr1: true,
      rtmr2: true,
      rtmr3: true,
    })
    expect(compareRegisters(parseEventLog(log), [rtmr0, rtmr3, zero, zero])).toMatchObject({
      rtmr0: true,
      rtmr1: false,
      rtmr3: false,
    })
  })

  it('ends where its area is cleared', () => {
    for (const filling of [
      new Uint8Array(0),
      new Uint8Array(5),
      new Uint8Array(500),
      new Uint8Array(3).fill(0xff),
    ])
      expect(parseEventLog(writeCcel(events, { filling })).events).toHaveLength(4)
  })

  it('may have other digests beside SHA-384', () => {
    const algorithms = [
      [0x0b, 32],
      [0x0c, 48],
    ] as const
    const event = concat(
      Uint8Array.of(1, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 0x0b, 0),
      new Uint8Array(32),
      Uint8Array.of(0x0c, 0),
      new Uint8Array(48).fill(7),
      new Uint8Array(4),
    )
    const read = parseEventLog(writeCcel([], { algorithms, filling: concat(event, Uint8Array.of(0xff)) }))
    expect(read.events).toMatchObject([{ digest: new Uint8Array(48).fill(7) }])
  })

  it('is malformed when an event has no digest of an algorithm', () => {
    const algorithms = [
      [0x0b, 32],
      [0x0c, 48],
    ] as const
    const sha256Only = { ...separator(1), algorithm: 0x0b, digest: new Uint8Array(32) }
    expect(() => parseEventLog(writeCcel([sha256Only], { algorithms }))).toThrow(malformed)
  })

  it.each<[string, Uint8Array]>([
    ['no SHA-384', writeCcel([], { algorithms: [[0x0b, 32]] })],
    ['no algorithm', writeCcel([], { algorithms: [] })],
    [
      'an unknown algorithm',
      writeCcel([], {
        algorithms: [
          [0x0c, 48],
          [0x99, 32],
        ],
      }),
    ],
    [
      'an algorithm twice',
      writeCcel([], {
        algorithms: [
          [0x0c, 48],
          [0x0c, 48],
        ],
      }),
    ],
    ['an algorithm of another length', writeCcel([], { algorithms: [[0x0c, 32]] })],
    ['a register that does not exist', writeCcel([{ ...separator(5) }])],
    ['something measured into MRTD', writeCcel([{ ...separator(0) }])],
    ['an event without digests', writeCcel([{ ...separator(1), count: 0 }])],
    ['an event with more digests', writeCcel([{ ...separator(1), count: 2 }])],
    ['a digest of another algorithm', writeCcel([{ ...separator(1), algorithm: 0x0b }])],
    ['a shorter digest', writeCcel([{ ...separator(1), digest: new Uint8Array(47) }])],
    [
      'something in its filling',
      writeCcel(events, { filling: concat(new Uint8Array(40).fill(0xff), Uint8Array.of(0)) }),
    ],
    ['something behind zeros', writeCcel(events, { filling: concat(new Uint8Array(40), Uint8Array.of(1)) })],
    ['half an event', log.subarray(0, 120)],
    [
      'an event longer than the log',
      concat(
        writeCcel([{ ...separator(1) }], { filling: new Uint8Array(0) }).subarray(0, -8),
        Uint8Array.of(0xff, 0xff, 0, 0),
      ),
    ],
    ['a megabyte', new Uint8Array(1_048_577)],
  ])('is malformed with %s', (_what, bytes) => {
    expect(() => parseEventLog(bytes)).toThrow(malformed)
  })

  it('never fails in another way, and never runs away', () => {
    fc.assert(
      fc.property(fc.nat(log.length - 5), fc.uint8Array({ minLength: 4, maxLength: 4 }), (at, values) => {
        const bytes = log.slice()
        bytes.set(values, Math.max(at, 33))
        try {
          parseEventLog(bytes)
        } catch (error) {
          expect(error).toMatchObject({
            code: expect.stringMatching(/^EVIDENCE_MALFORMED|^JCS|^BYTES/) as string,
          })
        }
      }),
      { numRuns: process.env['SLOW'] ? 3000 : 300 },
    )
  })

  it('gives another register for any other digest', () => {
    fc.assert(
      fc.property(fc.nat(48 * 8 - 1), (bit) => {
        const digest = new Uint8Array(48).fill(1)
        digest[bit >> 3]! ^= 1 << (bit & 7)
        const changed = writeCcel(events.with(1, { ...events[1]!, digest }))
        expect(replayEventLog(parseEventLog(changed))['mr1']).not.toBe(toHex(rtmr0))
      }),
    )
  })
})

describe('what a log tells', () => {
  const tells = (event: WrittenEvent): number => findForgedEvents(parseEventLog(writeCcel([event]))).length
  const variable = concat(
    new Uint8Array(16),
    Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0),
    utf8('B\0O\0'),
    Uint8Array.of(7, 8, 9),
  )

  it('must be what was measured, where the type says so', () => {
    expect(tells(separator(1))).toBe(0)
    expect(tells({ ...separator(1), digest: zero })).toBe(1)
    expect(
      tells({ index: 2, type: EV.action, data: utf8('Booting'), digest: crypto.sha384(utf8('booting')) }),
    ).toBe(1)
  })

  it('is free where the type measures something else', () => {
    expect(tells({ index: 3, type: EV.ipl, data: utf8('anything'), digest: zero })).toBe(0)
  })

  it('is the value of a boot variable, with its name or without', () => {
    const boot = { index: 1, type: EV.variableBoot, data: variable }
    expect(tells(boot)).toBe(0)
    expect(tells({ ...boot, digest: crypto.sha384(Uint8Array.of(7, 8, 9)) })).toBe(0)
    expect(tells({ ...boot, digest: crypto.sha384(Uint8Array.of(7, 8)) })).toBe(1)
    expect(tells({ ...boot, data: variable.subarray(0, 20), digest: zero })).toBe(1)
  })
})

interface ParsedEvent {
  index: number
  type_name: string
  digest_matches_event: boolean
  digests: { alg: string; digest: string }[]
  event: string
}

describe.skipIf(!hasVectors('tdx'))(
  'logs of real TDs (skipped: SOTTO_VECTORS has no attestation/tdx)',
  () => {
    it.each(vectorFolders('tdx', 'parsed.json'))('%s is read as its own parser reads it', (folder) => {
      const json = (file: string): unknown =>
        JSON.parse(Buffer.from(vectorFile('tdx', folder, file)).toString())
      const { uefi_event_logs: expected } = json('parsed.json') as { uefi_event_logs: ParsedEvent[] }
      const { expect: published } = json('expected.json') as {
        expect: { events: number; rtmr_replay: object }
      }
      const read = parseEventLog(vectorFile('tdx', folder, 'ccel.bin'))
      expect(read.events).toHaveLength(published.events)
      expect(replayEventLog(read)).toEqual(published.rtmr_replay)
      expect(findForgedEvents(read)).toEqual([])
      for (const [i, event] of read.events.entries()) {
        expect({
          index: event.index,
          type_name: event.typeName,
          digest_matches_event: isDigestOfData(event),
          digests: [{ alg: 'SHA-384', digest: toHex(event.digest) }],
          event: toHex(event.data),
        }).toEqual({
          index: expected[i]!.index,
          type_name: expected[i]!.type_name,
          digest_matches_event: expected[i]!.digest_matches_event,
          digests: expected[i]!.digests,
          event: toHex(fromBase64(expected[i]!.event)),
        })
      }
    })
  },
)
