import { describe, expect, test } from 'vitest'
import type { DataUse } from '@sotto/protocol/data-use'
import type { ReleaseStatement } from '@sotto/protocol/keyrelease'
import { claim } from '../../../../test/claims.ts'
import { obtainKeys } from '../../src/release/obtain.ts'
import { createReleaseWorld } from './world.ts'

const USE: DataUse = { tasks: ['embedding', 'summarization'], retentionSeconds: 0, training: false }
const declaring =
  (dataUse: DataUse | undefined) =>
  (statement: ReleaseStatement): ReleaseStatement =>
    statement.predicate.role === 'kms' || dataUse === undefined
      ? statement
      : { ...statement, predicate: { ...statement.predicate, dataUse } }

async function obtainWith(declared: DataUse | undefined, configured: DataUse | undefined): Promise<number> {
  const { context } = await createReleaseWorld({ release: declaring(declared) })
  const own = configured === undefined ? {} : { dataUse: configured }
  return (await obtainKeys({ ...context, ...own })).keys.length
}

describe('what an enclave does with content', () => {
  test('is what its release declares, in any order, or neither says anything', async () => {
    expect(await obtainWith(USE, { ...USE, tasks: USE.tasks.toReversed() })).toBe(1)
    expect(await obtainWith(undefined, undefined)).toBe(1)
  })

  test.each<[string, DataUse | undefined, DataUse | undefined]>([
    ['does more', { ...USE, tasks: ['embedding'] }, USE],
    ['does less', USE, { ...USE, tasks: ['embedding'] }],
    ['keeps what is declared as forgotten', USE, { ...USE, retentionSeconds: 1 }],
    ['says nothing', USE, undefined],
    ['says something nobody declared', undefined, USE],
    ['logs receipts that nobody declared as logged', USE, { ...USE, receiptLogSeconds: 600 }],
    ['logs no receipts that are declared as logged', { ...USE, receiptLogSeconds: 600 }, USE],
    ['logs them less often', { ...USE, receiptLogSeconds: 600 }, { ...USE, receiptLogSeconds: 3600 }],
  ])(claim('T20', 'no key is taken when its configuration %s'), async (_, declared, configured) => {
    await expect(obtainWith(declared, configured)).rejects.toMatchObject({
      code: 'RELEASE_DATA_USE',
      action: 'stop',
    })
  })
})
