import { describe, expect, it } from 'vitest'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { findForgedEvents, parseEventLog, replayEventLog } from '@sotto/verifier/event-log'
import { EV } from './ccel-writer.ts'

describe('the log of a dstack application', () => {
  const payload = 'c0ffee'
  const digest = toHex(
    crypto.sha384(Uint8Array.of(1, 0, 0, 8), utf8(':app-id:'), Uint8Array.of(0xc0, 0xff, 0xee)),
  )
  const event = { imr: 3, event_type: 0x0800_0001, digest, event: 'app-id', event_payload: payload }
  const write = (...list: object[]): Uint8Array => utf8(JSON.stringify(list))

  it('is read, replayed and believed', () => {
    const read = parseEventLog(write(event))
    expect(read).toMatchObject({
      format: 'dstack',
      events: [{ index: 4, name: 'app-id', typeName: 'DSTACK_RUNTIME_EVENT' }],
    })
    expect(Object.keys(replayEventLog(read))).toEqual(['mr4'])
    expect(findForgedEvents(read)).toEqual([])
  })

  it('is not believed with another name, payload or type', () => {
    for (const change of [
      { event: 'app-ID' },
      { event_payload: 'c0ffef' },
      { event_payload: '' },
      { event: '' },
    ])
      expect(findForgedEvents(parseEventLog(write({ ...event, ...change })))).toHaveLength(1)
  })

  it('names no event whose type leaves its name and payload unhashed', () => {
    for (const type of [0x0d, 0x06, 0x8000_000a, 0]) {
      const relabelled = parseEventLog(write({ ...event, event_type: type, event_payload: 'ee'.repeat(32) }))
      // The registers are the same: only the type says what the digest is of.
      expect(replayEventLog(relabelled)).toEqual(replayEventLog(parseEventLog(write(event))))
      expect(relabelled.events[0]).not.toHaveProperty('name')
    }
  })

  it('may leave the data of firmware events out', () => {
    const firmware = {
      imr: 0,
      event_type: EV.separator,
      digest: '00'.repeat(48),
      event: '',
      event_payload: '',
    }
    expect(findForgedEvents(parseEventLog(write(firmware)))).toEqual([])
    expect(findForgedEvents(parseEventLog(write({ ...firmware, event_payload: '00000000' })))).toHaveLength(1)
  })

  it.each<[string, Uint8Array]>([
    ['an object', utf8('{}')],
    ['a register that does not exist', write({ ...event, imr: 4 })],
    ['a shorter digest', write({ ...event, digest: '00' })],
    ['a payload that is no hexadecimal', write({ ...event, event_payload: 'xyz' })],
    ['a name that is no text', write({ ...event, event: 1 })],
    ['an unknown member', write({ ...event, more: 1 })],
    ['a missing member', write({ imr: 3 })],
    ['a name twice', utf8(`[{"imr":3,${JSON.stringify(event).slice(1)}]`)],
    ['other bytes', Uint8Array.of(0xff, 0xfe)],
  ])('is malformed with %s', (_what, bytes) => {
    expect(() => parseEventLog(bytes)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^JCS_|^BYTES_/) as string }),
    )
  })
})
