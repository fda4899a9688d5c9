import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { encodeContract, runDigest } from '@sotto/protocol/contract'
import type { RunState } from '@sotto/protocol/room'
import { foldRoom, type RoomState } from '../../../src/rooms/board/fold.ts'
import type { BoardEntry } from '../../../src/rooms/board/message.ts'
import { joinedMessage, type RoomMessage } from '../../../src/rooms/board/messages.ts'
import {
  approval,
  BANK,
  consent,
  CONTRACT,
  MESSAGES,
  NOW,
  OFFERED,
  offered,
  RETAILER,
  ROOM,
  RUN,
  STRANGER,
  view,
} from './room.ts'

const about = { board: ROOM.board, at: NOW }
const OTHER = offered('01'.repeat(16))
/** A whole run, in the order in which it took place. */
const STORY: RoomMessage[] = [
  MESSAGES.joined,
  joinedMessage(RETAILER, 'retailer', about),
  MESSAGES.proposed,
  MESSAGES.offered,
  MESSAGES.declined,
  consent('bank', BANK),
  consent('retailer', RETAILER),
  MESSAGES.view,
  { kind: 'view', at: NOW, view: view({ state: 'waiting' }) },
  MESSAGES.approved,
  { kind: 'view', at: NOW, view: view({ state: 'done' }) },
]

/** On a board in this order. */
function post(...messages: RoomMessage[]): BoardEntry[] {
  return messages.map((message, at) => ({ index: at + 1, message }))
}

/** What a room comes to, without where each message stands. */
function told({ members, proposals, runs, ...rest }: RoomState): unknown {
  return {
    members: new Set([...members.values()].map(({ party }) => party.key)),
    proposals: new Set(proposals.keys()),
    runs: new Set(
      [...runs.values()].map(({ run, by, consents, declined, views, approvals }) => ({
        run,
        by,
        consents: new Map([...consents].sort().map(([name, { envelope }]) => [name, envelope])),
        declined: declined.length,
        furthest: views[0]?.view.state,
        views: views.length,
        approvals: approvals.length,
      })),
    ),
    lost: [rest.conflicts.length, rest.unreadable.length, rest.unproven.length],
  }
}

describe('a room as its board tells it', () => {
  it('has its members, proposals and runs, each with what was said about it', () => {
    const room = foldRoom(post(...STORY))
    expect([...room.members.keys()]).toEqual(['bank', 'retailer'])
    expect(room.members.get('bank')).toEqual({ index: 1, at: NOW, party: BANK.as('bank') })
    expect([...room.proposals]).toEqual([[CONTRACT.digest, { index: 3, at: NOW, ...CONTRACT }]])
    expect([...room.runs.keys()]).toEqual([RUN])
    const run = room.runs.get(RUN)!
    expect(run).toMatchObject({ index: 4, by: 'bank', offered: OFFERED, note: 'Spending of November' })
    expect([...run.consents].map(([name, { index }]) => [name, index])).toEqual([
      ['bank', 6],
      ['retailer', 7],
    ])
    expect(run.declined).toEqual([{ index: 5, at: NOW, party: 'retailer', reason: 'Not this month' }])
    expect(run.views.map(({ view }) => view.state)).toEqual(['done', 'waiting', 'running'])
    expect(run.approvals).toMatchObject([{ index: 10, approval: { party: 'retailer', verdict: 'release' } }])
    expect([room.conflicts, room.unreadable, room.unproven]).toEqual([[], [], []])
  })

  it('of nothing is empty', () => {
    const room = foldRoom([])
    expect([room.members.size, room.proposals.size, room.runs.size, room.unproven]).toEqual([0, 0, 0, []])
  })

  it('is the same in whatever order a board shows it, and however often', () => {
    const expected = told(foldRoom(post(...STORY)))
    const shown = fc
      .tuple(
        fc.shuffledSubarray(STORY, { minLength: STORY.length }),
        fc.array(fc.constantFrom(...STORY), { maxLength: 8 }),
      )
      .map(([once, again]) => post(...once, ...again))
    fc.assert(
      fc.property(shown, (entries) => {
        expect(told(foldRoom(entries))).toEqual(expected)
      }),
      { numRuns: 50 },
    )
  })

  it('is the same in whatever order the entries are given', () => {
    const entries = post(...STORY)
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (given) => {
        expect(foldRoom(given)).toEqual(foldRoom(entries))
      }),
      { numRuns: 50 },
    )
  })

  it('goes by the order of the board, whatever order the entries are given in', () => {
    const impostor = joinedMessage(STRANGER, 'bank', about)
    const entries: BoardEntry[] = [
      ...post(MESSAGES.joined, impostor, joinedMessage(RETAILER, 'retailer', about)),
      { index: 4, unreadable: 'damaged' },
      { index: 5, unreadable: 'damaged' },
    ]
    const room = foldRoom(entries.toReversed())
    expect([...room.members.keys()]).toEqual(['bank', 'retailer'])
    expect(room.members.get('bank')!.party).toEqual(BANK.as('bank'))
    expect(room.conflicts.map(({ index }) => index)).toEqual([2])
    expect(room.unreadable).toEqual([4, 5])
  })

  it('tells what cannot be read, and everything else besides', () => {
    const entries: BoardEntry[] = [
      { index: 1, unreadable: 'damaged' },
      { index: 2, message: MESSAGES.joined },
    ]
    const room = foldRoom([...entries, { index: 3, unreadable: 'damaged' }])
    expect(room.unreadable).toEqual([1, 3])
    expect([...room.members.keys()]).toEqual(['bank'])
  })
})

describe('a name that two sign for', () => {
  it('stays with the first, and the other one is told once', () => {
    const impostor = joinedMessage(STRANGER, 'bank', about)
    const again = joinedMessage(STRANGER, 'bank', { ...about, at: NOW + 1 })
    const room = foldRoom(post(MESSAGES.joined, impostor, again))
    expect(room.members.get('bank')!.party).toEqual(BANK.as('bank'))
    expect(room.conflicts).toEqual([{ index: 2, at: NOW, party: STRANGER.as('bank') }])
  })

  it('is no conflict where it is the same party, later', () => {
    const again = joinedMessage(BANK, 'bank', { ...about, at: NOW + 1 })
    expect(foldRoom(post(MESSAGES.joined, again)).conflicts).toEqual([])
  })

  it('is a conflict where only the key differs that results are sealed to', () => {
    const party = { ...BANK.as('bank'), sealTo: STRANGER.as('bank').sealTo }
    const room = foldRoom(post(MESSAGES.joined, { ...MESSAGES.joined, party }))
    expect(room.members.get('bank')!.party).toEqual(BANK.as('bank'))
    expect(room.conflicts).toHaveLength(1)
  })
})

describe('what is signed about a run', () => {
  const begun = [MESSAGES.proposed, MESSAGES.offered]
  it.each<[string, RoomMessage]>([
    ['a consent in the name of another party', consent('retailer', BANK)],
    ['a consent of nobody in the contract', consent('bank', STRANGER)],
    [
      'a consent to another run',
      {
        ...MESSAGES.consented,
        envelope: (consent('bank', BANK, OTHER) as { envelope: string } & RoomMessage).envelope,
      } as RoomMessage,
    ],
    ['an approval as a consent', { ...MESSAGES.approved, kind: 'consented' }],
    ['a consent as an approval', { ...MESSAGES.consented, kind: 'approved' }],
    ['an approval in the name of another party', approval('retailer', BANK)],
    ['an approval of another run', { ...approval('bank', BANK, OTHER), run: RUN } as RoomMessage],
    ['no envelope', { ...MESSAGES.consented, envelope: 'yes' }],
  ])('%s counts for nothing, and is told', (_what, message) => {
    const room = foldRoom(post(...begun, message))
    const { consents, approvals } = room.runs.get(RUN)!
    expect([consents.size, approvals.length, room.unproven]).toEqual([0, 0, [3]])
  })

  it('is not hidden by what somebody else says in the name of that party', () => {
    const room = foldRoom(post(...begun, consent('retailer', BANK), consent('retailer', RETAILER)))
    expect(room.runs.get(RUN)!.consents.get('retailer')!.index).toBe(4)
    expect(room.unproven).toEqual([3])
  })

  it('counts once, however often its envelope is posted', () => {
    const later = { ...MESSAGES.approved, at: NOW + 1 }
    const room = foldRoom(
      post(...begun, MESSAGES.approved, later, MESSAGES.consented, { ...MESSAGES.consented, at: NOW + 1 }),
    )
    expect(room.runs.get(RUN)!.approvals).toHaveLength(1)
    expect(room.runs.get(RUN)!.consents.get('bank')!.index).toBe(5)
    expect(room.unproven).toEqual([])
  })

  it('waits for run and contract, and is told until they are there', () => {
    const spoken = [consent('bank', BANK), MESSAGES.declined, MESSAGES.view, MESSAGES.approved]
    expect(foldRoom(post(...spoken)).unproven).toEqual([1, 2, 3, 4])
    // What nobody signed needs no contract.
    expect(foldRoom(post(MESSAGES.offered, ...spoken)).unproven).toEqual([2, 5])
    expect(foldRoom(post(...spoken, ...begun)).unproven).toEqual([])
  })
})

describe('a run', () => {
  it('is that of the first who brought it', () => {
    const shown = { ...OFFERED.shown, checkpoint: 'another\n' }
    const second: RoomMessage = { ...MESSAGES.offered, by: 'retailer', offered: { ...OFFERED, shown } }
    const room = foldRoom(post(MESSAGES.offered, second))
    expect(room.runs.get(RUN)).toMatchObject({ by: 'bank', offered: OFFERED })
  })

  it('is apart from every other one', () => {
    const other: RoomMessage = { kind: 'offered', at: NOW, offered: OTHER, by: 'retailer' }
    const room = foldRoom(post(MESSAGES.proposed, MESSAGES.offered, other, consent('bank', BANK, OTHER)))
    expect([...room.runs.keys()]).toEqual([RUN, runDigest(OTHER.offer)])
    expect(room.runs.get(RUN)!.consents.size).toBe(0)
    expect(room.runs.get(runDigest(OTHER.offer))!.consents.size).toBe(1)
  })

  it('never goes back, and shows the last of what is as far', () => {
    const states: RunState[] = ['done', 'running', 'offered', 'failed', 'waiting', 'running']
    const views = states.map((state, at): RoomMessage => ({
      kind: 'view',
      at: NOW + at,
      view: view({ state }),
    }))
    const room = foldRoom(post(MESSAGES.offered, ...views))
    expect(room.runs.get(RUN)!.views.map(({ index, view }) => [index, view.state])).toEqual([
      [5, 'failed'],
      [2, 'done'],
      [6, 'waiting'],
      [7, 'running'],
      [3, 'running'],
      [4, 'offered'],
    ])
  })
})

it('a contract is proposed once, and two of them in order', () => {
  const other = { ...CONTRACT.contract, title: 'Another' }
  const second: RoomMessage = { kind: 'proposed', at: NOW, contract: fromUtf8(encodeContract(other)) }
  const room = foldRoom(post(second, MESSAGES.proposed, { ...second, at: NOW + 1 }))
  expect([...room.proposals.values()].map(({ contract, index }) => [contract.title, index])).toEqual([
    ['Another', 1],
    [CONTRACT.contract.title, 2],
  ])
})

it('malformed: nothing in a message makes it throw, and the rest is there', () => {
  const change = fc.dictionary(
    fc.constantFrom('kind', 'at', 'party', 'contract', 'offered', 'run', 'envelope', 'view', 'by', 'reason'),
    fc.oneof(
      fc.object({ maxDepth: 1 }),
      fc.string(),
      fc.constantFrom(null, undefined, Number.NaN, '__proto__', RUN, ...Object.keys(MESSAGES)),
    ),
  )
  const odd = fc
    .tuple(fc.constantFrom(...STORY), change)
    .map(([message, changed]) => ({ ...message, ...changed }) as RoomMessage)
  fc.assert(
    fc.property(fc.array(odd, { maxLength: 6 }), (messages) => {
      const room = foldRoom(post(MESSAGES.joined, MESSAGES.proposed, MESSAGES.offered, ...messages))
      expect(room.members.get('bank')!.party).toEqual(BANK.as('bank'))
      expect(room.runs.has(RUN)).toBe(true)
      expect(room.proposals.has(CONTRACT.digest)).toBe(true)
    }),
  )
})
