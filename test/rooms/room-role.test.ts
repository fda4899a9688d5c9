import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { verifyRunProvenance } from '@sotto/protocol/room'
import { runDigest, verifyRunPermit, verifyRunReceipt } from '@sotto/protocol/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hasDuckDb, RoomLab } from './support/room-lab.ts'
import { sealed } from './support/sealed-data.ts'
import { claim } from '../claims.ts'

let lab: RoomLab

async function tables() {
  const rows = (n: number) => Array.from({ length: n }, (_, at) => `c${at},${at * 10}`).join('\n')
  return {
    accounts: await sealed('table', 'csv', utf8(`customer,amount\n${rows(40)}\n`)),
    purchases: await sealed('table', 'csv', utf8(`customer,amount\n${rows(25)}\n`)),
  }
}

describe.skipIf(!hasDuckDb)('a run of a query, from offer to output', () => {
  beforeEach(async () => {
    lab = await RoomLab.open()
    await lab.prepare(await tables())
  })
  afterEach(() => lab.close())

  it('ends with an output that its receiver opens, and nobody else', async () => {
    const { view, offered } = await lab.run()
    expect(view).toMatchObject({ state: 'done', review: [] })
    expect(await lab.text(view.outputs[0]!, offered, 'shop')).toBe(
      '{"columns":[{"name":"n","type":"integer"}]}\n[40]\n',
    )
    await expect(lab.open(view.outputs[0]!, offered, 'bank')).rejects.toMatchObject({
      code: 'CONTRACT_PARTY',
    })
    for (const file of lab.board.files.values())
      expect(Buffer.from(file).includes('customer'), 'the board has no plaintext').toBe(false)
  })

  it(claim('rooms.proof', 'says where it comes from: the room by its key, the KMS by its own'), async () => {
    const { view, offered } = await lab.run()
    const run = runDigest(offered.offer)
    const of = { ...offered.offer, run }
    const kmsKey = fromBase64Url(lab.world.kms.view.boot.statementKey.publicKey)
    const receipt = verifyRunReceipt(view.receipt!, of, [kmsKey])
    const permit = verifyRunPermit(view.permit!, of, [kmsKey])
    const { predicate, subject } = verifyRunProvenance(view.provenance!, of)
    expect(predicate).toMatchObject({ contract: lab.world.digest, run, sequence: 1, image: receipt.image })
    expect(predicate.steps).toEqual([{ transform: 'overlap', kind: 'sql', task: expect.any(String) }])
    expect(predicate.inputs.map(({ input }) => input)).toEqual(['accounts', 'purchases'])
    expect(subject[0]!.digest.sha256).toBe(permit.outputs[0]!.digest)
  })
})
