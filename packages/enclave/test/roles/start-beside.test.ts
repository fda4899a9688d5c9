import { describe, expect, it } from 'vitest'
import { startBeside } from '../../src/roles/start-beside.ts'

const never = (): Promise<void> => new Promise(() => undefined)
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('what is started beside work', () => {
  it('holds nothing of it up', async () => {
    const { promise: started, resolve } = Promise.withResolvers<void>()
    let ticks = 0
    const over = startBeside(
      () => started,
      async () => {
        while (ticks < 3) {
          await soon()
          ticks++
        }
        resolve()
      },
      () => false,
    )
    await over
    expect(ticks).toBe(3)
  })

  it('fails at once, while the work would go on', async () => {
    const fail = async (): Promise<void> => {
      throw new Error('not healthy')
    }
    await expect(startBeside(fail, never, () => false)).rejects.toThrow('not healthy')
  })

  it('has not failed where it was ended before it had started', async () => {
    let isEnding = false
    const { promise: started, reject } = Promise.withResolvers<void>()
    const over = startBeside(
      () => started,
      async () => {
        isEnding = true
        reject(new Error('closed'))
      },
      () => isEnding,
    )
    await expect(over).resolves.toBeUndefined()
  })
})
