import type { RoomRun } from '@sotto/client/rooms'
import { SottoError } from '@sotto/protocol/errors'
import type { RunState, RunView } from '@sotto/protocol/room'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { findProven } from '../../../src/pages/rooms/find-proven.ts'

/** What members told, the last first, as the board folds it. */
const told = (...views: [index: number, state: RunState, receipt?: string][]): Pick<RoomRun, 'views'> => ({
  views: views.map(([index, state, receipt]) => ({
    index,
    at: index,
    view: { run: 'ab', state, review: [], outputs: [], ...(receipt !== undefined && { receipt }) },
  })),
})

/** Takes the one that its room signed, and says what it was asked about. */
function judge(asked: string[] = []) {
  return async ({ receipt = 'nothing' }: RunView): Promise<string> => {
    asked.push(receipt)
    if (receipt === 'genuine') return receipt
    if (receipt === 'offline') throw new SottoError('BUNDLE_UNREACHABLE', 'retry', 'the relay is away')
    if (receipt === 'broken') throw new TypeError('nobody foresaw this')
    throw new SottoError('ROOM_OFFER', 'stop', 'the receipt of this run is about another room')
  }
}

describe('what members tell of a run that is done', () => {
  it(claim('rooms.proof', 'is proven by one of them, whatever others made up after it'), async () => {
    const run = told([9, 'failed'], [8, 'done', 'made up'], [7, 'cancelled'], [6, 'done', 'genuine'])
    expect(await findProven(run, new Set(), judge())).toBe('genuine')
  })

  it('is looked at where it says done, each once, and again only where more is told', async () => {
    const [asked, refuted] = [[] as string[], new Set<number>()]
    const before = told([3, 'failed', 'genuine'], [2, 'done', 'made up'], [1, 'done'])
    await expect(findProven(before, refuted, judge(asked))).rejects.toMatchObject({ code: 'ROOM_OFFER' })
    expect(asked).toEqual(['made up', 'nothing'])
    expect(await findProven(before, refuted, judge(asked))).toBeUndefined()
    expect(asked).toHaveLength(2)
    const after = told([4, 'done', 'genuine'], [2, 'done', 'made up'], [1, 'done'])
    expect(await findProven(after, refuted, judge(asked))).toBe('genuine')
    expect(asked).toEqual(['made up', 'nothing', 'genuine'])
  })

  it('is not held against anybody where a connection failed: it is asked again', async () => {
    const [asked, refuted] = [[] as string[], new Set<number>()]
    const run = told([2, 'done', 'offline'], [1, 'done', 'genuine'])
    await expect(findProven(run, refuted, judge(asked))).rejects.toMatchObject({ action: 'retry' })
    expect(asked, 'others fail in the same way').toEqual(['offline'])
    expect(refuted).toEqual(new Set())
  })

  it('hides nothing behind what nobody foresaw', async () => {
    const refuted = new Set<number>()
    const run = told([2, 'done', 'broken'], [1, 'done', 'genuine'])
    expect(await findProven(run, refuted, judge())).toBe('genuine')
    await expect(findProven(told([2, 'done', 'broken']), refuted, judge())).rejects.toThrow(TypeError)
    expect(refuted).toEqual(new Set())
  })

  it('is nothing where nobody says that it is done', async () => {
    expect(await findProven(told([1, 'running', 'genuine']), new Set(), judge())).toBeUndefined()
    expect(await findProven(told(), new Set(), judge())).toBeUndefined()
  })
})
