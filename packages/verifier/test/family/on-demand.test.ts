import { describe, expect, it } from 'vitest'
import { FAMILY_VERIFIERS as ALL, loadMissingFamilies as loadNothing } from '../../src/family/all.ts'
import { FAMILY_VERIFIERS, loadMissingFamilies } from '../../src/family/on-demand.ts'
import { FAMILIES } from '../../src/family/types.ts'

const INPUT = { evidence: new Uint8Array([1, 2, 3]), collateral: {}, at: 1_700_000_000 }

describe('families loaded on demand', () => {
  it('are the same as those loaded at once', () => {
    expect(Object.keys(FAMILY_VERIFIERS).toSorted()).toEqual(Object.keys(ALL).toSorted())
  })

  it.each(FAMILIES)('%s refuses until it is loaded, and then judges as ever', async (family) => {
    const lazy = FAMILY_VERIFIERS[family]
    expect(() => lazy.decodePolicy({}, 'policy')).toThrow(
      expect.objectContaining({ code: 'FAMILY_NOT_LOADED' }),
    )
    expect(() => lazy.verify(INPUT)).toThrow(expect.objectContaining({ code: 'FAMILY_NOT_LOADED' }))
    expect(await loadMissingFamilies()).toBe(true)
    const policy = lazy.decodePolicy({}, 'policy')
    expect(policy).toEqual(ALL[family].decodePolicy({}, 'policy'))
    const verdict = lazy.verify({ ...INPUT, policy })
    expect(verdict).toEqual(ALL[family].verify({ ...INPUT, policy }))
    expect(verdict.authentic).toBe(false)
  })

  it('says when nothing is missing', async () => {
    expect(await loadMissingFamilies()).toBe(false)
    expect(await loadNothing()).toBe(false)
  })
})
