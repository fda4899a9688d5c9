import { utf8 } from '@sotto/protocol/bytes'
import type { Contract, Task } from '@sotto/protocol/contract'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createContainerEngine,
  unmeasuredContainerProgram,
} from '../../packages/enclave/src/room/container/index.ts'
import { imageWith, shell, whyNoContainer } from '../../packages/enclave/test/room/container/real-image.ts'
import { COPY } from '../../packages/enclave/test/room/wasm/programs.ts'
import { ROOM } from '../../packages/kms/test/contracts/room-world.ts'
import { RoomLab } from './support/room-lab.ts'
import { itemsOf, sealed, type SealedData } from './support/sealed-data.ts'
import { claim } from '../claims.ts'

const RULES = {
  receivers: ['bank', 'shop'],
  forbidden: [],
  minContributors: 1,
  noisy: false,
  review: false,
}
const columns = [{ name: 'customer', type: 'text' }] as const
const TABLE = 'customer\nann\nbob\n'

/** The bank's table, read by code of the shop. */
function counted(code: SealedData, task: Task, kind: 'table' | 'text' = 'table'): () => Partial<Contract> {
  const uses = [{ transform: 'count', runs: 5 }]
  return () => ({
    inputs: [
      {
        name: 'people',
        owner: 'bank',
        kind,
        uses,
        rules: RULES,
        ...(kind === 'table' && { columns: [...columns] }),
      },
      { name: 'code', owner: 'shop', kind: 'code', content: code.content, uses, rules: RULES },
    ],
    transforms: [{ name: 'count', reads: ['people', 'code'], room: [ROOM.image], task }],
    outputs: [{ name: 'counted', from: 'count', receivers: ['shop'], maxBytes: 64 }],
  })
}

let lab: RoomLab
afterEach(() => lab?.close())

async function result(people: SealedData, code: SealedData) {
  await lab.prepare({ people, code })
  const { view, offered } = await lab.run({ template: undefined })
  const [output] = view.outputs
  return { view, text: output === undefined ? undefined : await lab.text(output, offered, 'shop') }
}

describe('WebAssembly of a party', () => {
  const limits = { memoryBytes: 16 * 65_536, seconds: 20, fuelMillions: 10 }
  const task: Task = { kind: 'wasm', module: 'code', args: [], limits }

  it('reads a table of another, and writes what its receivers get', async () => {
    const code = await sealed('code', 'wasm', COPY)
    lab = await RoomLab.open(counted(code, task))
    const { view, text } = await result(await sealed('table', 'csv', utf8(TABLE)), code)
    expect(view).toMatchObject({ state: 'done' })
    expect(text).toBe(TABLE)
  })

  it('that writes more than agreed leaves nothing', async () => {
    const code = await sealed('code', 'wasm', COPY)
    lab = await RoomLab.open(counted(code, task))
    const { view } = await result(await sealed('table', 'csv', utf8(TABLE.repeat(9))), code)
    expect(view).toMatchObject({ state: 'failed', failure: { code: 'ROOM_WASM_TOO_LARGE' }, outputs: [] })
  })

  it(claim('rooms.code', 'that is no module is refused, and says nothing of the table'), async () => {
    const code = await sealed('code', 'wasm', utf8('not a module'))
    lab = await RoomLab.open(counted(code, task))
    const { view } = await result(await sealed('table', 'csv', utf8(TABLE)), code)
    expect(view).toMatchObject({ state: 'failed', failure: { code: 'ROOM_WASM_INVALID' } })
    expect(JSON.stringify(view)).not.toContain('ann')
  })
})

describe.skipIf((await whyNoContainer()) !== undefined)('a container of a party', () => {
  it('reads texts of another, without a network, and leaves one file', async () => {
    const image = imageWith()
    const code = await sealed('code', 'oci', image.tar)
    const task: Task = {
      kind: 'container',
      image: 'code',
      manifest: image.manifest,
      command: shell('for f in /in/people/*; do read -r line < $f; echo "$line!"; done'),
      env: {},
      limits: { memoryBytes: 256 * 2 ** 20, seconds: 20 },
    }
    const container = await createContainerEngine({
      program: unmeasuredContainerProgram(),
      require: 'best-effort',
    })
    try {
      lab = await RoomLab.open(counted(code, task, 'text'), { container })
      const people = await sealed('text', 'text', itemsOf(['ann\n', 'bob\n']), { items: 2 })
      const { view, text } = await result(people, code)
      expect(view.failure).toBeUndefined()
      expect(text).toBe('ann!\nbob!\n')
    } finally {
      container.close()
    }
  })
})
