import type { RoomRun } from '@sotto/client/rooms'
import type { Contract } from '@sotto/protocol/contract'
import type { RunState, RunView } from '@sotto/protocol/room'
import { describe, expect, it } from 'vitest'
import { decisionOf, furthest, stageOf } from '../../../src/pages/rooms/run-stage.ts'

const inputOf = (name: string, owner: string, review: boolean): Contract['inputs'][number] => ({
  name,
  owner,
  kind: 'text',
  uses: [{ transform: 'sum', runs: 1 }],
  rules: { receivers: ['shop'], forbidden: [], minContributors: 1, noisy: false, review },
})
const named = {
  contract: {
    inputs: [
      inputOf('letters', 'bank', true),
      inputOf('notes', 'shop', true),
      inputOf('more', 'bank', false),
    ],
    transforms: [{ name: 'sum', reads: ['letters', 'notes', 'more'], room: [], task: {} }],
    outputs: [
      { name: 'one', from: 'sum', receivers: ['shop'], maxBytes: 1 },
      { name: 'two', from: 'sum', receivers: ['shop'], maxBytes: 1 },
    ],
  } as unknown as Contract,
}

const viewOf = (state: RunState): RunView => ({ run: 'ab', state, review: [], outputs: [] })

interface Said {
  consents?: string[]
  state?: RunState
  approvals?: [party: string, output: string, verdict: 'release' | 'refuse'][]
}
function runOf({ consents = [], state, approvals = [] }: Said): RoomRun {
  return {
    offered: { offer: { transform: 'sum', notAfter: 1000 } },
    consents: new Map(consents.map((party) => [party, {}])),
    views: state === undefined ? [] : [{ view: viewOf(state) }],
    approvals: approvals.map(([party, output, verdict]) => ({ approval: { party, output, verdict } })),
  } as unknown as RoomRun
}
const stage = (said: Said, live?: RunState, now = 999) =>
  stageOf(named, runOf(said), { live: live && viewOf(live), now })

describe('where a run stands', () => {
  it('waits for every owner once, until its offer is over', () => {
    expect(stage({})).toBe('consents')
    expect(stage({ consents: ['bank'] })).toBe('consents')
    expect(stage({ consents: ['bank', 'shop'] })).toBe('ready')
    expect(stage({ consents: ['bank', 'shop'], state: 'offered' })).toBe('ready')
    expect(stage({ consents: ['bank', 'shop'] }, undefined, 1000)).toBe('expired')
    expect(stage({ consents: ['bank', 'stranger'] })).toBe('consents')
  })

  it('is what the room says, or members where they know more, and never goes back', () => {
    expect(stage({}, 'running')).toBe('running')
    expect(stage({ state: 'done' }, 'running')).toBe('done')
    expect(stage({ state: 'running' }, 'failed')).toBe('failed')
    expect(stage({ state: 'done' }, 'offered', 2000)).toBe('done')
    expect(furthest(undefined, undefined)).toBeUndefined()
    expect(furthest(viewOf('waiting'), viewOf('running'))?.state).toBe('waiting')
  })

  it('is done where that is proven, whatever members or the room told last', () => {
    for (const state of ['failed', 'cancelled', 'running'] as const)
      for (const live of [undefined, viewOf('failed')])
        expect(stageOf(named, runOf({ state }), { live, isProven: true, now: 2000 })).toBe('done')
    expect(stage({ state: 'failed' })).toBe('failed')
  })

  it('waits for reviewers until each has released every output, or one refuses', () => {
    const state = 'waiting' as const
    expect(stage({ state })).toBe('waiting')
    const released: Said['approvals'] = [
      ['bank', 'one', 'release'],
      ['bank', 'two', 'release'],
      ['shop', 'one', 'release'],
    ]
    expect(stage({ state, approvals: released })).toBe('waiting')
    expect(stage({ state, approvals: [...released, ['shop', 'two', 'release']] })).toBe('decided')
    expect(stage({ state, approvals: [['shop', 'one', 'refuse']] })).toBe('decided')
    expect(stage({ state, approvals: [['stranger', 'one', 'refuse']] })).toBe('waiting')
    expect(decisionOf(named, runOf({ approvals: released }), 'bank')).toBe('release')
    expect(decisionOf(named, runOf({ approvals: released }), 'shop')).toBeUndefined()
  })
})
