import { expect, it } from 'vitest'
import { statementMemory } from '../../src/tokens/seen-statement.ts'
import { memoryStorage } from '../../src/trust/index.ts'

const one = { sequence: 3, digest: 'ab'.repeat(32) }

it('remembers the latest statement of each issuer, for the next run', async () => {
  const storage = memoryStorage()
  expect(await statementMemory(storage, 'k').recall()).toBeUndefined()
  await statementMemory(storage, 'k').remember(one)
  await statementMemory(storage, 'k').remember({ sequence: 2, digest: 'cd'.repeat(32) })
  expect(await statementMemory(storage, 'k').recall()).toEqual(one)
  expect(await statementMemory(storage, 'another').recall()).toBeUndefined()
})

it.each(['', 'null', '{}', '{"sequence":0,"digest":"', '{"sequence":1,"digest":"AB"}', '[]'])(
  'does not forget by accident: %j',
  async (damaged) => {
    const storage = memoryStorage()
    await storage.set('issuer statement k', damaged)
    const memory = statementMemory(storage, 'k')
    await expect(memory.recall()).rejects.toMatchObject({ code: 'STORAGE_INVALID', action: 'fix-input' })
    await expect(memory.remember(one)).rejects.toMatchObject({ code: 'STORAGE_INVALID' })
    expect(await storage.get('issuer statement k')).toBe(damaged)
  },
)
