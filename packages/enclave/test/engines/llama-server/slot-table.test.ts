import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { SlotTable } from '../../../src/engines/llama-server/slot-table.ts'

const salt = (): string => randomBytes(16).toString('hex')

describe('slots of a llama-server', () => {
  it(claim('T19', 'lead back to what a salt left, and to nothing without it'), () => {
    const table = new SlotTable(3)
    const [a, b] = [salt(), salt()]
    const first = table.take(a)
    expect(first.mayReuse).toBe(false)
    first.release('keep')
    for (const other of [b, undefined]) {
      const slot = table.take(other)
      expect(slot.mayReuse).toBe(false)
      slot.release('keep')
    }
    const again = table.take(a)
    expect([again.mayReuse, again.id]).toEqual([true, first.id])
    // Whoever comes at the same time gets another slot, and starts from nothing.
    const beside = table.take(a)
    expect([beside.mayReuse, beside.id === first.id]).toEqual([false, false])
  })

  it('forget what was cancelled, what another request overwrote, and what nobody came back for', () => {
    let now = 0
    const table = new SlotTable(1, () => now)
    const own = salt()
    table.take(own).release('erase')
    expect(table.take(own).mayReuse).toBe(false)
    const other = new SlotTable(1, () => now)
    other.take(own).release('keep')
    other.take(undefined).release('keep')
    const third = other.take(own)
    expect(third.mayReuse).toBe(false)
    third.release('keep')
    now = 300_001
    expect(other.take(own).mayReuse).toBe(false)
  })

  it('take the place of what was used longest ago, and are never shared', () => {
    let now = 0
    const table = new SlotTable(2, () => now)
    const [a, b] = [salt(), salt()]
    const [one, two] = [table.take(a), table.take(b)]
    expect(() => table.take(undefined)).toThrow(expect.objectContaining({ code: 'ENGINE_FAILED' }) as Error)
    now = 1
    two.release('keep')
    now = 2
    one.release('keep')
    expect(table.take(undefined).id).toBe(two.id)
    expect(table.take(a).mayReuse).toBe(true)
  })

  it('refuse a salt that cannot be one', () => {
    expect(() => new SlotTable(1).take('short')).toThrow(
      expect.objectContaining({ code: 'ENGINE_INPUT' }) as Error,
    )
  })
})
