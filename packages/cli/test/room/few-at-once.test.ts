import { expect, it } from 'vitest'
import { fewAtOnce } from '../../src/room/few-at-once.ts'

/** Lets everything go on that can. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('asks four questions at once at most, and answers in the order of the items', async () => {
  let open = 0
  let most = 0
  const items = Array.from({ length: 30 }, (_, at) => at)
  const answers = await fewAtOnce(items, async (at) => {
    most = Math.max(most, ++open)
    for (let turns = 0; turns < (at * 7) % 5; turns++) await turn()
    open--
    return at * 2
  })
  expect(answers).toEqual(items.map((at) => at * 2))
  expect(most).toBe(4)
})

it('asks nothing of nobody', async () => {
  expect(await fewAtOnce([], () => Promise.reject(new Error('asked')))).toEqual([])
})

it('asks no further question where one fails', async () => {
  const asked: number[] = []
  const asking = fewAtOnce([0, 1, 2, 3, 4, 5, 6, 7], async (at) => {
    asked.push(at)
    await turn()
    if (at === 1) throw new Error('refused')
    await turn()
  })
  await expect(asking).rejects.toThrow('refused')
  for (let turns = 0; turns < 5; turns++) await turn()
  expect(asked).toEqual([0, 1, 2, 3])
})
