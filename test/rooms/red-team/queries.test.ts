import { utf8 } from '@sotto/protocol/bytes'
import { runDigest } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { claim } from '../../claims.ts'
import { hasDuckDb } from '../support/room-lab.ts'
import { sealed } from '../support/sealed-data.ts'
import { queriesContract, QUERY_ATTACKS, tables } from './queries.attacks.ts'
import { runAttacks } from './support/attack.ts'
import { RoomScene } from './support/room-scene.ts'

const NO_FIGURE = '{"columns":[{"name":"n","type":"integer"}]}\n'

describe.skipIf(!hasDuckDb)(claim('rooms.rules', 'queries'), () => {
  runAttacks('that would show more than figures of many', QUERY_ATTACKS, async () =>
    RoomScene.of(queriesContract, await tables()),
  )

  it('over a table of nobody, or of too few, leave without a figure', async () => {
    const scene = await RoomScene.of(queriesContract, await tables())
    try {
      for (const rows of ['', 'a,1\nb,2\nc,3\n']) {
        await scene.add('accounts', await sealed('table', 'csv', utf8(`customer,amount\n${rows}`)))
        const offered = await scene.offer({ transform: 'overlap', template: 'count' })
        const view = await scene.begun(offered)
        expect(view).toMatchObject({ run: runDigest(offered.offer), state: 'done' })
        for (const [digest, file] of scene.board.files) scene.lab.board.files.set(digest, file)
        expect(await scene.lab.text(view.outputs[0]!, offered, 'shop')).toBe(NO_FIGURE)
      }
    } finally {
      await scene.close()
    }
  })
})
