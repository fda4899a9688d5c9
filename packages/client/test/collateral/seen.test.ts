import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SeenMarks, seenMarks } from '../../src/collateral/cache/seen.ts'
import type { Mark } from '../../src/collateral/types.ts'
import { memoryStorage } from '../../src/trust/last-checkpoint.ts'
import type { SottoStorage } from '../../src/types.ts'

const mark = (date: number, number: string | null = null): Mark => ({ subject: 'a thing', date, number })
const rollback = expect.objectContaining({ code: 'COLLATERAL_ROLLBACK', action: 'stop' })

async function take(seen: SeenMarks, one: Mark): Promise<void> {
  await seen.require(one)
  await seen.raise(one)
}

describe('what was seen', () => {
  it('lets the same and newer answers pass', async () => {
    const seen = seenMarks(memoryStorage())
    for (const one of [mark(5, '7'), mark(5, '7'), mark(6, '7'), mark(6, '8'), mark(7, null), mark(7, '8')])
      await expect(take(seen, one)).resolves.toBeUndefined()
  })

  it.each<[string, Mark, Mark]>([
    ['an older date', mark(6), mark(5)],
    ['a lower number of a later day', mark(6, '8'), mark(7, '7')],
    ['an older date of a higher number', mark(6, '8'), mark(5, '9')],
    ['a lower number beyond 2^53', mark(6, '90071992547409930'), mark(6, '90071992547409929')],
  ])('refuses %s', async (_what, before, after) => {
    const seen = seenMarks(memoryStorage())
    await take(seen, before)
    await expect(seen.require(after)).rejects.toEqual(rollback)
  })

  it('outlives the process', async () => {
    const storage = memoryStorage()
    await take(seenMarks(storage), mark(6, '8'))
    await expect(seenMarks(storage).require(mark(5, '8'))).rejects.toMatchObject({
      expected: 'at least number 8 of 1970-01-01T00:00:06Z',
      found: 'number 8 of 1970-01-01T00:00:05Z',
    })
  })

  it('keeps subjects apart', async () => {
    const seen = seenMarks(memoryStorage())
    await take(seen, mark(6))
    await expect(seen.require({ ...mark(5), subject: 'another' })).resolves.toBeUndefined()
  })

  it('is never lowered, whatever order answers come in', async () => {
    const marks = fc.array(fc.record({ date: fc.nat(9), number: fc.nat(9).map(String) }), {
      minLength: 1,
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(marks, async (sequence) => {
        const seen = seenMarks(memoryStorage())
        let [date, number] = [-1, -1]
        for (const one of sequence) {
          const isOlder = one.date < date || Number(one.number) < number
          const taking = take(seen, { subject: 'a', ...one })
          if (isOlder) await expect(taking).rejects.toEqual(rollback)
          else {
            await taking
            ;[date, number] = [one.date, Number(one.number)]
          }
        }
      }),
      { numRuns: 50 },
    )
  })

  it('is written again when another process lowers it at the same moment', async () => {
    const storage = memoryStorage()
    let isLowered = false
    const shared: SottoStorage = {
      get: storage.get,
      async set(key, value) {
        await storage.set(key, value)
        if (isLowered) return
        isLowered = true
        await storage.set(key, '{"date":5,"number":""}')
      },
    }
    await seenMarks(shared).raise(mark(7))
    await expect(seenMarks(storage).require(mark(6))).rejects.toEqual(rollback)
  })

  it.each([
    '',
    '{}',
    '{"date":1}',
    '{"date":-1,"number":""}',
    '{"date":1,"number":"01"}',
    '{"date":1,"number":"x"}',
    'null',
  ])('is not forgotten by accident: %s', async (value) => {
    const storage = memoryStorage()
    await storage.set('collateral a thing', value)
    const damaged = expect.objectContaining({ code: 'COLLATERAL_MEMORY', action: 'fix-input' })
    await expect(seenMarks(storage).require(mark(9))).rejects.toEqual(damaged)
    await expect(seenMarks(storage).raise(mark(9))).rejects.toEqual(damaged)
  })
})
