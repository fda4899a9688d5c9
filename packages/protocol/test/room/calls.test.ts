import { describe, expect, it } from 'vitest'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { encodeContract } from '@sotto/protocol/contract'
import { type Decoder, parseStrictJson } from '@sotto/protocol/jcs'
import {
  type BoardAccess,
  boardAccessDecoder,
  offeredRunDecoder,
  type RoomCall,
  roomCallDecoder,
  type RoomEvidence,
  roomEvidenceDecoder,
  RUN_STATES,
  type RunView,
  runViewDecoder,
} from '@sotto/protocol/room'
import { bankAndRetailer, bytes, named, offerOf } from '../contract/contracts.ts'
import { DOCUMENTS } from '../keyrelease/documents.ts'
import type { Path } from '../keyrelease/every-object.ts'
import { malformed, many, put, refusal } from './refusals.ts'

const CONTRACT = named(bankAndRetailer())
const RUN = 'ab'.repeat(32)
const ACCESS: BoardAccess = { board: '12'.repeat(32), token: bytes(32) }
const { artifacts: _, ...SHOWN } = DOCUMENTS['releaseRequest']!.good as RoomEvidence & { artifacts: unknown }
const OFFERED = { offer: offerOf(CONTRACT, 'spending', { template: 'segments' }), shown: SHOWN }

const CALLS: { [Call in RoomCall['call']]: Extract<RoomCall, { call: Call }> } = {
  offer: {
    call: 'offer',
    nonce: 'ab'.repeat(16),
    contract: fromUtf8(encodeContract(CONTRACT.contract)),
    inquiry: '{}',
    transform: 'offers',
    template: 'by-region',
    arguments: [{ name: 'region', value: 'north' }],
    data: ['{}', '{}'],
    files: ACCESS,
  },
  begin: { call: 'begin', run: RUN, inquiry: '{}', consents: ['{}'] },
  look: { call: 'look', run: RUN, inquiry: '{}' },
  approve: { call: 'approve', run: RUN, inquiry: '{}', approvals: ['{}'] },
  cancel: { call: 'cancel', run: RUN, inquiry: '{}' },
}
const VIEW: RunView = {
  run: RUN,
  state: 'done',
  progress: { transform: 'offers', done: 1, of: 2 },
  failure: { code: 'ROOM_OVERLAP', message: 'a passage is too long', rule: 'max-common-words' },
  receipt: '{}',
  result: '{}',
  review: ['{}'],
  permit: '{}',
  outputs: ['{}', '{}'],
  provenance: '{}',
}

interface Message {
  decoder: Decoder<object>
  good: object
  optional?: string[]
  mayBeEmpty?: string[]
  isOwn?: (path: Path) => boolean
}
const MESSAGES: Record<string, Message> = {
  ...Object.fromEntries(
    Object.entries(CALLS).map(([call, good]) => [
      `call ${call}`,
      { decoder: roomCallDecoder, good, optional: ['template'], mayBeEmpty: ['arguments'] },
    ]),
  ),
  access: { decoder: boardAccessDecoder, good: ACCESS },
  evidence: { decoder: roomEvidenceDecoder, good: SHOWN, isOwn: (path) => path.length === 0 },
  // What is inside has tests of its own.
  'offered run': { decoder: offeredRunDecoder, good: OFFERED, isOwn: (path) => path.length === 0 },
  view: {
    decoder: runViewDecoder,
    good: VIEW,
    optional: ['progress', 'failure', 'rule', 'receipt', 'result', 'permit', 'provenance'],
    mayBeEmpty: ['review', 'outputs'],
  },
}

const refuse = (decoder: Decoder<object>, value: unknown, what: string): void =>
  expect(() => decoder(value, 'message'), what).toThrow(refusal('JCS_FIELD'))

describe.each(Object.entries(MESSAGES))('a message: %s', (_name, { decoder, good, ...exceptions }) => {
  it('is read as it was written', () => {
    const written = JSON.stringify(good)
    expect(decoder(parseStrictJson(written, { maxBytes: 1_000_000 }), 'message')).toEqual(good)
  })

  it('is read without what it need not have', () => {
    for (const member of (exceptions.optional ?? []).filter((one) => Object.hasOwn(good, one))) {
      const without = put(good, member, undefined)
      expect(decoder(without, 'message')).toEqual(without)
    }
  })

  it('has all of its members, of their types, and no other', () => {
    for (const [what, value] of malformed(good, exceptions)) refuse(decoder, value, what)
    for (const value of [null, undefined, [], 'text', 7]) refuse(decoder, value, String(value))
  })

  it('is not read from another message', () => {
    for (const [other, { good: value }] of Object.entries(MESSAGES))
      if (value !== good && !(other.startsWith('call') && decoder === roomCallDecoder))
        refuse(decoder, value, other)
  })
})

describe('a call to a room', () => {
  it('is of a kind there is', () => {
    for (const call of ['others', 'constructor', '__proto__', 'toString', '', null, undefined, ['look']])
      refuse(roomCallDecoder, { ...CALLS.look, call }, String(call))
  })

  it('of one kind takes no member of another', () => {
    for (const one of Object.values(CALLS))
      for (const other of Object.values(CALLS))
        if (one !== other)
          for (const [member, value] of Object.entries(other))
            if (!Object.hasOwn(one, member))
              refuse(roomCallDecoder, { ...one, [member]: value }, `${one.call} with ${member}`)
  })

  it.each<[string, RoomCall['call'], string, unknown, unknown]>([
    ['arguments', 'offer', 'arguments', many(32, (n) => ({ name: `a${n}`, value: 'x' })), 33],
    ['statements about inputs', 'offer', 'data', many(64, () => '{}'), 65],
    ['consents', 'begin', 'consents', many(16, () => '{}'), 17],
    ['approvals', 'approve', 'approvals', many(1024, () => '{}'), 1025],
  ])('has as many %s as there may be, and not one more', (_what, call, member, most, tooMany) => {
    const [one] = most as unknown[]
    expect(roomCallDecoder(put(CALLS[call], member, most), 'call')).toMatchObject({ [member]: most })
    refuse(
      roomCallDecoder,
      put(
        CALLS[call],
        member,
        many(tooMany as number, () => one),
      ),
      member,
    )
  })

  it.each<[string, RoomCall['call'], string, unknown]>([
    ['a run in capitals', 'look', 'run', 'AB'.repeat(32)],
    ['a run that is too short', 'cancel', 'run', 'ab'.repeat(31)],
    ['a transform that is no name', 'offer', 'transform', 'Offers'],
    ['a transform that every object has', 'offer', 'transform', 'constructor'],
    ['a template that is no name', 'offer', 'template', '../by-region'],
    ['an argument that every object has', 'offer', 'arguments.0.name', '__proto__'],
    ['a value that is too long', 'offer', 'arguments.0.value', 'x'.repeat(4097)],
    ['an empty value', 'offer', 'arguments.0.value', ''],
    ['an envelope that is too long', 'look', 'inquiry', 'x'.repeat(65_536)],
    ['a contract that is too long', 'offer', 'contract', 'x'.repeat(262_145)],
    ['a token that is too short', 'offer', 'files.token', bytes(31)],
    ['a padded token', 'offer', 'files.token', `${bytes(32)}=`],
    ['a board that is too long', 'offer', 'files.board', '12'.repeat(33)],
    ['no statement about an input', 'offer', 'data', []],
    ['no consent', 'begin', 'consents', []],
    ['no approval', 'approve', 'approvals', []],
  ])('refuses %s', (what, call, path, value) => refuse(roomCallDecoder, put(CALLS[call], path, value), what))
})

describe('a call that goes on with a training', () => {
  const state = { step: 250, state: 'aa'.repeat(32), sealed: 'bb'.repeat(32), bytes: 4096 }
  const goOn = { ...CALLS.offer, resumes: 'cc'.repeat(32), checkpoint: state }

  it('names the run, and the state that is kept of it', () => {
    expect(roomCallDecoder(goOn, 'call')).toEqual(goOn)
    const { checkpoint: _, ...fromTheBeginning } = goOn
    expect(roomCallDecoder(fromTheBeginning, 'call')).toEqual(fromTheBeginning)
    expect(runViewDecoder({ ...VIEW, checkpoint: state }, 'view').checkpoint).toEqual(state)
  })

  it('is of a run, and of a state that there may be', () => {
    refuse(roomCallDecoder, { ...CALLS.offer, checkpoint: state }, 'a state of no run')
    for (const [member, value] of Object.entries({
      step: -1,
      state: 'aa',
      sealed: 'BB'.repeat(32),
      bytes: 0,
    }))
      refuse(roomCallDecoder, { ...goOn, checkpoint: { ...state, [member]: value } }, member)
    refuse(roomCallDecoder, { ...goOn, checkpoint: { ...state, step: 10_000_001 } }, 'a step past the last')
  })
})

describe('where a run stands', () => {
  it('is one of six words', () => {
    for (const state of RUN_STATES) expect(runViewDecoder({ ...VIEW, state }, 'view').state).toBe(state)
    expect(RUN_STATES).toEqual(['offered', 'running', 'waiting', 'done', 'failed', 'cancelled'])
    refuse(runViewDecoder, { ...VIEW, state: 'Done' }, 'Done')
  })

  it.each<[string, string, unknown]>([
    ['a message that moves the cursor', 'failure.message', 'no\u{1B}[2J'],
    ['a message of two lines', 'failure.message', 'no\nrun done'],
    ['a message that turns text around', 'failure.message', 'no\u{202E}enod'],
    ['a message that is too long', 'failure.message', 'x'.repeat(513)],
    ['a code with a line feed', 'failure.code', 'ROOM_RUN\n'],
    ['a code in small letters', 'failure.code', 'room_run'],
    ['a code that is too long', 'failure.code', 'A'.repeat(65)],
    ['a rule in capitals', 'failure.rule', 'Rule'],
    ['more outputs than there may be', 'outputs', many(65, () => '{}')],
    ['more to review than there may be', 'review', many(65, () => '{}')],
    ['an envelope that is too long', 'receipt', 'x'.repeat(65_536)],
    ['progress backwards', 'progress.done', -1],
    ['progress of fractions', 'progress.of', 0.5],
    ['a transform that is no name', 'progress.transform', 'a b'],
  ])('refuses %s', (what, path, value) => refuse(runViewDecoder, put(VIEW, path, value), what))
})

describe('an offered run', () => {
  it('has an offer and evidence that are each well-formed', () => {
    const offers: [string, unknown][] = [
      ['offer.format', 'sotto-room-run/2'],
      ['offer.notAfter', OFFERED.offer.at],
      ['offer.wrapKey', bytes(1215)],
      ['offer.nonce', 'ab'],
      ['shown.binding.wrapKey', bytes(1215)],
      ['shown.evidence', []],
      ['shown.checkpoint', 7],
    ]
    for (const [path, value] of offers) refuse(offeredRunDecoder, put(OFFERED, path, value), path)
  })

  it('shows evidence that asks for no other keys', () => {
    refuse(offeredRunDecoder, put(OFFERED, 'shown.artifacts', ['cd'.repeat(16)]), 'artifacts')
  })
})
