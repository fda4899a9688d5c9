import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, test } from 'vitest'
import {
  governanceAnswerDecoder,
  holdAnswerDecoder,
  proposalAnswerDecoder,
  receivedAnswerDecoder,
  voteAnswerDecoder,
} from '../../src/governance/answers.ts'
import { Table } from './table.ts'

const ID = 'ab'.repeat(32)
const listed = {
  id: ID,
  kind: 'rotate',
  author: 'alice',
  createdAt: 1,
  expiresAt: 2,
  majority: 1,
  accepted: ['bob'],
  rejected: [],
}
const closed = {
  id: ID,
  kind: 'rotate',
  author: { name: 'alice' },
  outcome: 'accepted',
  closedAt: 3,
  accepted: [],
  rejected: [],
}
const whole = {
  genesis: { envelope: '{}', index: 0 },
  governance: [],
  epoch: 1,
  holds: [{ id: ID, member: { name: 'bob', key: 'k' }, reason: 'why', createdAt: 1 }],
  open: [listed],
  closed: [closed],
}

test('what a KMS of this or a later version says is read, and what else it says is left out', () => {
  expect(
    governanceAnswerDecoder({ ...whole, later: { a: 1 }, open: [{ ...listed, later: 1 }] }, 'answer'),
  ).toEqual(whole)
  expect(
    proposalAnswerDecoder({ ...listed, proposal: 'a.b.c', ballots: [], releases: [] }, 'answer'),
  ).toEqual({
    ...listed,
    proposal: 'a.b.c',
    ballots: [],
  })
  expect(proposalAnswerDecoder(closed, 'answer')).toEqual(closed)
  expect(voteAnswerDecoder({ accepted: [], rejected: ['bob'], majority: 2 }, 'answer')).toEqual({
    accepted: [],
    rejected: ['bob'],
  })
  expect(receivedAnswerDecoder({ received: [1, 2], threshold: 2 }, 'answer')).toEqual({ received: [1, 2] })
})

test.each<[string, unknown]>([
  ['nothing', null],
  ['a list', []],
  ['no holds', { ...whole, holds: undefined }],
  ['an epoch that is no number', { ...whole, epoch: '1' }],
  ['an author that moves the cursor', { ...whole, open: [{ ...listed, author: 'a\u001b[2J' }] }],
  ['a name that turns text around', { ...whole, open: [{ ...listed, accepted: ['bob\u202e'] }] }],
  ['an outcome that is a sentence', { ...whole, closed: [{ ...closed, outcome: 'accepted by all' }] }],
  ['an identifier of another form', { ...whole, closed: [{ ...closed, id: '../../x' }] }],
  ['a majority of none', { ...whole, open: [{ ...listed, majority: 0 }] }],
  ['too many of them', { ...whole, open: Array.from({ length: 4097 }, () => listed) }],
])('refuses %s', (_, answer) => {
  expect(() => governanceAnswerDecoder(answer, 'answer')).toThrow(
    expect.objectContaining({ code: 'JCS_FIELD' }),
  )
})

test('whatever is answered, it is read or refused', () => {
  for (const decoder of [
    governanceAnswerDecoder,
    proposalAnswerDecoder,
    voteAnswerDecoder,
    holdAnswerDecoder,
  ])
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          decoder(value as never, 'answer')
        } catch (error) {
          expect(error).toMatchObject({ code: 'JCS_FIELD' })
        }
      }),
    )
})

let table: Table
beforeEach(async () => void (table = await Table.of(['alice', 'bob', 'carol'], 2)))
afterEach(() => table.clear())

it('a script votes only with --yes, and is told what it voted on', async () => {
  const made = await table.sotto([
    'propose',
    'policy',
    ...table.writePolicy(),
    '--key',
    'alice.key',
    '--json',
    '--yes',
  ])
  const { id } = JSON.parse(made.stdout) as { id: string }
  const vote = ['vote', id, 'accept', '--key', 'bob.key', '--json']
  const before = table.sent.length
  const refused = await table.sotto(vote)
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('pass --yes') as unknown })
  expect(table.sent, 'nobody was asked').toHaveLength(before)
  const voted = await table.sotto([...vote, '--yes'])
  expect(JSON.parse(voted.stdout)).toMatchObject({
    id,
    choice: 'accept',
    proposal: { kind: 'key-release-policy' },
  })
})
