/** Three banks: where money goes that passes through all of them. Run: node examples/rooms/three-banks/run.mjs */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toCsv } from '../driver/csv.mjs'
import { readOptions } from '../driver/options.mjs'
import { play } from '../driver/play.mjs'
import { readRows } from '../driver/results.mjs'
import { generate } from './data.mjs'
import { byRegion } from './expected.mjs'

const OWNERS = { alder: 'payments', birch: 'passing', cedar: 'collecting' }
const SINCE = '2026-04-01'

const options = readOptions({ rows: 3000, minRows: 1500 })
const { canaries, ...data } = generate(options)
/** Of all that was paid: what goes to the harbour is more. */
const THRESHOLD = 100 * options.rows
const here = (name) => fileURLToPath(new URL(name, import.meta.url))

await play(
  {
    title: 'Three banks: where money goes that passes through all of them',
    room: 'trace',
    parties: Object.keys(OWNERS),
    keep: options.keep,
    canaries,
  },
  async ({ room, chapter, say, checks, parties }) => {
    const { alder, birch, cedar } = parties

    chapter('The contract: flows over five customers of each bank, and two looks at them')
    const contract = await room.agree(alder, ['trace.yaml', 'by-region.sql'].map(here))

    chapter('Data, sealed for runs of this contract alone')
    for (const [bank, input] of Object.entries(OWNERS)) {
      await writeFile(join(parties[bank].desk, `${input}.csv`), toCsv(data[input]), { mode: 0o600 })
      await room.add(parties[bank], input, `${input}.csv`)
    }

    chapter('Where much money goes')
    const asked = { transform: 'trace', template: 'by-region', set: { since: SINCE, threshold: THRESHOLD } }
    const run = await room.run(alder, asked)
    const expected = byRegion(data, SINCE, THRESHOLD)
    for (const party of [alder, birch, cedar]) {
      const found = await readRows(join(await room.open(party, run), 'flows'))
      if (party === alder) for (const row of found) say(`    ${JSON.stringify(row)}`)
      checks.rows(`${party.name} has the flows of the data, computed without the room`, found, expected)
    }
    checks.that(
      'that is the harbour: little goes to coast and valley, and to the island by three people only',
      expected.map(({ region }) => region).join() === 'harbour',
    )

    chapter('All flows: the second look')
    const every = { ...asked, set: { since: SINCE, threshold: 10_000 } }
    const second = await room.run(birch, every)
    const all = await readRows(join(await room.open(birch, second), 'flows'))
    for (const row of all) say(`    ${JSON.stringify(row)}`)
    checks.rows('the flows are those of the data, without the island', all, byRegion(data, SINCE, 10_000))

    chapter('A third look: the budget is used up')
    const refusal = await room.failedRun(cedar, every)
    checks.that(
      'it is refused by the rule budget, though every bank consented',
      refusal.includes('rule budget'),
      refusal,
    )
    const status = await cedar.sotto(['room', 'status'], { shown: 30 })
    checks.that('nothing is left of it', (status.match(/for trace: 0 runs left/g) ?? []).length === 3, status)

    chapter('The end')
    await room.close(contract)
  },
)
