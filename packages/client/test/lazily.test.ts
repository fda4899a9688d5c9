import { expect, it } from 'vitest'
import { lazily } from '../src/lazily.ts'

interface Desk {
  greet(name: string): Promise<string>
  fail(): Promise<never>
}
const desk: Desk = {
  greet: async (name) => `hello ${name}`,
  fail: () => Promise.reject(new Error('of the desk')),
}

it('loads once, when something is called, and not before', async () => {
  let loads = 0
  const lazy = lazily(['greet', 'fail'], async () => {
    loads++
    return desk
  })
  expect(loads).toBe(0)
  expect(await Promise.all([lazy.greet('a'), lazy.greet('b')])).toEqual(['hello a', 'hello b'])
  await expect(lazy.fail()).rejects.toThrow('of the desk')
  expect(loads).toBe(1)
})

it('tries again what could not be loaded', async () => {
  let loads = 0
  const lazy = lazily<Desk, 'greet'>(['greet'], async () => {
    if (loads++ === 0) throw new TypeError('no network')
    return desk
  })
  await expect(lazy.greet('a')).rejects.toThrow('no network')
  expect(await lazy.greet('a')).toBe('hello a')
})
