/** A hospital and a laboratory train on what each knows of the same patients. Run: node examples/training/diagnosis/run.mjs */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toCsv } from '../../rooms/driver/csv.mjs'
import { readOptions } from '../../rooms/driver/options.mjs'
import { play } from '../../rooms/driver/play.mjs'
import { trainAlone } from '../driver/alone.mjs'
import { areaOf, areaUnderCurve } from '../driver/auc.mjs'
import { scoresOf } from '../driver/model.mjs'
import { AT_HOSPITAL, AT_LABORATORY, generate } from './data.mjs'

const options = readOptions({ rows: 3000, minRows: 1500 })
const { canaries, hospital: stays, laboratory: samples, joined, next } = generate(options)
const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const shown = (area) => area.toFixed(3)

await play(
  {
    title: 'A hospital and a laboratory: a diagnosis from what each knows of the same patients',
    room: 'diagnosis',
    parties: ['hospital', 'laboratory'],
    keep: options.keep,
    hasQueries: false,
    canaries,
  },
  async ({ room, chapter, say, checks, parties }) => {
    const { hospital, laboratory } = parties

    chapter('The contract: rows of both, joined by patient, and a guarantee for every patient')
    const contract = await room.agree(hospital, [here('diagnosis.yaml')])

    chapter('Data, sealed for runs of this contract alone')
    for (const [party, input, rows] of [
      [hospital, 'stays', stays],
      [laboratory, 'samples', samples],
    ]) {
      await writeFile(join(party.desk, `${input}.csv`), toCsv(rows), { mode: 0o600 })
      await room.add(party, input, `${input}.csv`)
    }

    chapter('What the hospital finds alone, and what one would find that had both tables')
    const alone = areaOf(trainAlone(stays, AT_HOSPITAL, 'sick'), next, 'sick')
    const central = areaOf(trainAlone(joined, [...AT_HOSPITAL, ...AT_LABORATORY], 'sick'), next, 'sick')
    say(`    hospital alone     area under the curve ${shown(alone)}`)
    say(`    both tables        area under the curve ${shown(central)}`)

    chapter('The training: the room joins, and shows no pair of rows to anybody')
    const run = await room.run(laboratory, { transform: 'diagnosis' })
    const folder = await room.open(hospital, run)
    const scores = await scoresOf(join(folder, 'model'), next)
    const area = areaUnderCurve(
      scores,
      next.map(({ sick }) => sick),
    )
    say(`    trained in the room area under the curve ${shown(area)}`)
    checks.that('it is better than what the hospital finds alone', area > alone, shown(area))
    checks.that(
      'it is nearly as good as if one had both tables',
      area > central - 0.03,
      `${shown(area)} and ${shown(central)}`,
    )

    chapter('The end')
    await room.close(contract)
  },
)
