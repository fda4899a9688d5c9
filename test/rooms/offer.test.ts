import { utf8 } from '@sotto/protocol/bytes'
import type { Contract } from '@sotto/protocol/contract'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hasDuckDb, RoomLab } from './support/room-lab.ts'
import { sealed } from './support/sealed-data.ts'

const TABLE = utf8('customer,amount\nann,1\n')

/** One query of the bank's about its own table. @param sql of which */
const asking =
  (sql: string) =>
  ({ inputs, transforms, ...rest }: Contract): Partial<Contract> => ({
    ...rest,
    inputs: inputs.slice(0, 1),
    transforms: transforms.map((transform) => ({
      ...transform,
      reads: ['accounts'],
      task: {
        kind: 'sql',
        templates: [{ name: 'count', sql, parameters: [] }],
        joinKeys: [],
        maxRows: 100,
      },
    })),
  })

let lab: RoomLab
afterEach(() => {
  vi.restoreAllMocks()
  return lab.close()
})

async function open(sql: string): Promise<void> {
  lab = await RoomLab.open(asking(sql))
  await lab.prepare({ accounts: await sealed('table', 'csv', TABLE) })
}

describe.skipIf(!hasDuckDb)('an offer of a query', () => {
  beforeEach(() => open('SELECT count(*) AS n FROM accounts'))

  it('takes one look at the KMS, and what follows is about that one', async () => {
    const { offer } = await lab.offer()
    expect(lab.askedKms).toEqual(['/v1/keys', '/v1/contracts'])
    expect(offer.contract).toBe(lab.world.digest)
  })

  it('starts a process to look at the query, and the next one of the same contract none', async () => {
    const places = vi.spyOn(lab.host, 'place')
    const [first, second] = [await lab.offer(), await lab.offer()]
    expect(places).toHaveBeenCalledTimes(1)
    expect(first.offer.nonce).not.toBe(second.offer.nonce)
    lab.restart()
    await lab.offer()
    expect(places).toHaveBeenCalledTimes(2)
  })
})

describe.skipIf(!hasDuckDb)('an offer of a query that breaks a rule', () => {
  beforeEach(() => open('SELECT customer FROM accounts'))

  it('is refused each time', async () => {
    const places = vi.spyOn(lab.host, 'place')
    for (const _ of [1, 2]) await expect(lab.offer()).rejects.toMatchObject({ code: 'ROOM_SQL_REFUSED' })
    expect(places).toHaveBeenCalledTimes(2)
  })
})
