import { expect, it } from 'vitest'
import { HOLD_MS, SILENT, talk, type TalkAction, type TalkEvent } from '../../../src/pages/assistant/talk.ts'

function after(...events: TalkEvent[]): { phase: string; actions: TalkAction[] } {
  let state = SILENT
  const actions = events.map((event) => {
    const next = talk(state, event)
    state = next.state
    return next.action
  })
  return { phase: state.phase, actions }
}
const opened: TalkEvent = { type: 'opened' }

it('a hold talks until it is let go', () => {
  expect(after({ type: 'press', at: 0 }, opened, { type: 'release', at: HOLD_MS })).toEqual({
    phase: 'finishing',
    actions: ['open', undefined, 'finish'],
  })
})

it('a short press talks until the next one, whenever the microphone opens', () => {
  const short: TalkEvent[] = [
    { type: 'press', at: 0 },
    { type: 'release', at: HOLD_MS - 1 },
  ]
  expect(after(...short, opened).phase).toBe('listening')
  expect(after(...short, opened, { type: 'press', at: 5000 }, { type: 'release', at: 6000 })).toMatchObject({
    phase: 'finishing',
    actions: ['open', undefined, undefined, 'finish', undefined],
  })
})

it('a key or a screen reader starts and ends with a click each', () => {
  expect(after({ type: 'click', at: 0 }, opened, { type: 'click', at: 9 }).actions).toEqual([
    'open',
    undefined,
    'finish',
  ])
})

it('let go while the browser still asks, it does not listen afterwards', () => {
  expect(after({ type: 'press', at: 0 }, { type: 'release', at: 2000 }, opened)).toEqual({
    phase: 'idle',
    actions: ['open', 'cancel', undefined],
  })
})

it('what makes no sense changes nothing', () => {
  expect(after({ type: 'release', at: 1 }, opened)).toEqual({
    phase: 'idle',
    actions: [undefined, undefined],
  })
  const done: TalkEvent[] = [{ type: 'press', at: 0 }, opened, { type: 'release', at: 999 }]
  expect(after(...done, { type: 'press', at: 1000 }, { type: 'click', at: 1001 }).phase).toBe('finishing')
  expect(after(...done, { type: 'over' }).phase).toBe('idle')
})
