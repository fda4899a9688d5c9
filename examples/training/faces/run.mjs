/** Two doors train one matcher of faces. Run: node examples/training/faces/run.mjs */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toCsv } from '../../rooms/driver/csv.mjs'
import { readOptions } from '../../rooms/driver/options.mjs'
import { play } from '../../rooms/driver/play.mjs'
import { trainAlone } from '../driver/alone.mjs'
import { areaOf, areaUnderCurve } from '../driver/auc.mjs'
import { scoresOf } from '../driver/model.mjs'
import { COLUMNS, generate, likeness } from './data.mjs'

const options = readOptions({ rows: 6000, minRows: 3000 })
const { canaries, pairs, next } = generate(options)
const features = COLUMNS.map((column) => ({ column, min: 0, max: 4 }))
const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const shown = (area) => area.toFixed(3)

await play(
  {
    title: 'Two doors: one matcher of faces, and no description of a face shown to the other door',
    room: 'match',
    parties: Object.keys(pairs),
    keep: options.keep,
    hasQueries: false,
    canaries,
  },
  async ({ room, chapter, say, checks, parties }) => {
    const { north, south } = parties

    chapter('The contract: a perceptron of pairs, with a guarantee for every person')
    const contract = await room.agree(north, [here('match.yaml')])

    chapter('Pairs, sealed for runs of this contract alone')
    for (const [door, rows] of Object.entries(pairs)) {
      await writeFile(join(parties[door].desk, 'pairs.csv'), toCsv(rows), { mode: 0o600 })
      await room.add(parties[door], door, 'pairs.csv')
    }

    chapter('How well people are told apart without the room')
    const untrained = areaOf(likeness, next, 'same')
    say(`    nearest, untrained  area under the curve ${shown(untrained)}`)
    const alone = Object.entries(pairs).map(([door, rows]) => {
      const area = areaOf(trainAlone(rows, features, 'same'), next, 'same')
      say(`    ${door.padEnd(6)} alone        area under the curve ${shown(area)}`)
      return area
    })

    chapter('The training')
    const run = await room.run(south, { transform: 'match' })
    const scores = await scoresOf(join(await room.open(north, run), 'matcher'), next)
    const area = areaUnderCurve(
      scores,
      next.map(({ same }) => same),
    )
    say(`    trained in the room area under the curve ${shown(area)}`)
    checks.that(
      'people of both doors are told apart better than by distance',
      area > untrained + 0.05,
      shown(area),
    )
    checks.that('and better than by what one door learns alone', area > Math.max(...alone), shown(area))

    chapter('The end')
    await room.close(contract)
  },
)
