import { describe, expect, it } from 'vitest'
import { createTurns } from '@sotto/protocol/turns'

/** Work that ends when it is told to. */
function held(order: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const work = (): Promise<string> => (order.push(name), promise)
  return { work, end: () => resolve(name), fail: (why: Error) => reject(why) }
}

describe('turns', () => {
  it('of one name follow each other in the order of the calls; those of another wait for none of them', async () => {
    const order: string[] = []
    const inTurn = createTurns()
    const [first, second, other] = ['first', 'second', 'other'].map((name) => held(order, name))
    const turns = [inTurn('a', first!.work), inTurn('a', second!.work), inTurn('b', other!.work)]
    other!.end()
    expect(await turns[2]).toBe('other')
    expect(order).toEqual(['first', 'other'])
    first!.end()
    second!.end()
    expect(await Promise.all(turns)).toEqual(['first', 'second', 'other'])
    expect(order).toEqual(['first', 'other', 'second'])
  })

  it('go on after one that failed, which only its caller hears of', async () => {
    const order: string[] = []
    const inTurn = createTurns()
    const [broken, next] = [held(order, 'broken'), held(order, 'next')]
    const turns = [inTurn('a', broken.work), inTurn('a', next.work)]
    broken.fail(new Error('broken'))
    next.end()
    await expect(turns[0]).rejects.toThrow('broken')
    expect(await turns[1]).toBe('next')
    expect(await inTurn('a', async () => 'later')).toBe('later')
  })
})
