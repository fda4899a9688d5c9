/** Three banks train one model of fraud. Run: node examples/training/banks/run.mjs */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toCsv } from '../../rooms/driver/csv.mjs'
import { readOptions } from '../../rooms/driver/options.mjs'
import { play } from '../../rooms/driver/play.mjs'
import { trainAlone } from '../driver/alone.mjs'
import { areaOf, areaUnderCurve } from '../driver/auc.mjs'
import { readFigures } from '../driver/figures.mjs'
import { scoresOf } from '../driver/model.mjs'
import { BANKS, FEATURES, generate } from './data.mjs'

const options = readOptions({ rows: 6000, minRows: 3000 })
const { canaries, payments, next } = generate(options)
const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const shown = (area) => area.toFixed(3)

await play(
  {
    title: 'Three banks: one model of fraud, and no payment shown to another bank',
    room: 'fraud',
    parties: Object.keys(BANKS),
    keep: options.keep,
    hasQueries: false,
    canaries,
  },
  async ({ room, chapter, say, checks, parties }) => {
    const { alder, birch, cedar } = parties

    chapter('What a draft costs and how large its models are, before anybody sees it')
    await writeFile(join(alder.desk, 'fraud.yaml'), await readFile(here('fraud.yaml')))
    await alder.sotto(['train', 'check', 'fraud.yaml'], { shown: 20 })
    const draft = await readFile(here('fraud.yaml'), 'utf8')
    await writeFile(
      join(alder.desk, 'unkept.yaml'),
      draft.replaceAll('forbidden:', 'noisy: true, forbidden:'),
    )
    const unkept = await alder.refused(['train', 'check', 'unkept.yaml'])
    checks.that(
      'where an owner asks for noise, nothing is trained without a guarantee',
      unkept.includes('without the guarantee that its owner asks for'),
      unkept,
    )

    chapter('The contract: three trainings, one of them with a guarantee for every customer')
    const contract = await room.agree(alder, [here('fraud.yaml')])

    chapter('Payments, sealed for runs of this contract alone')
    for (const bank of Object.keys(BANKS)) {
      await writeFile(join(parties[bank].desk, 'payments.csv'), toCsv(payments[bank]), { mode: 0o600 })
      await room.add(parties[bank], bank, 'payments.csv')
    }

    chapter('What each bank finds by itself in payments that come next, and what one would find that had all')
    const alone = Object.keys(BANKS).map((bank) => {
      const area = areaOf(trainAlone(payments[bank], FEATURES, 'fraud'), next, 'fraud')
      say(`    ${bank.padEnd(8)} alone    area under the curve ${shown(area)}`)
      return area
    })
    const central = areaOf(trainAlone(Object.values(payments).flat(), FEATURES, 'fraud'), next, 'fraud')
    say(`    ${'all'.padEnd(8)} together area under the curve ${shown(central)}`)
    const best = Math.max(...alone)

    /** Trains, opens the model as a receiver, and measures it with payments that nobody trained on. */
    const trained = async (asker, transform) => {
      const run = await room.run(asker, { transform })
      const folder = await room.open(asker, run)
      const scores = await scoresOf(join(folder, `${transform}-model`), next)
      const area = areaUnderCurve(
        scores,
        next.map(({ fraud }) => fraud),
      )
      const figures = await readFigures(join(folder, `${transform}-figures`))
      say(`    area under the curve ${shown(area)}; figures of the room: ${JSON.stringify(figures)}`)
      return { area, figures, run }
    }

    chapter('Logistic regression on the payments of all')
    const plain = await trained(alder, 'plain')
    checks.that('it is better than what any bank finds alone', plain.area > best, shown(plain.area))
    checks.that(
      'it is as good as if one had all payments in one place',
      Math.abs(plain.area - central) < 0.02,
      `${shown(plain.area)} and ${shown(central)}`,
    )
    checks.that(
      'figures of the room are those of other payments of the same kind',
      Math.abs(plain.figures.auc - plain.area) < 0.15,
      JSON.stringify(plain.figures),
    )
    const others = await scoresOf(join(await room.open(cedar, plain.run), 'plain-model'), next.slice(0, 50))
    const own = await scoresOf(
      join(alder.desk, 'results', plain.run.slice(0, 12), 'plain-model'),
      next.slice(0, 50),
    )
    checks.that('every bank has the same model', others.join() === own.join())

    chapter('The same with a guarantee: no customer of any bank is told of, whatever anybody knows')
    const careful = await trained(birch, 'careful')
    checks.that('it is still better than what any bank finds alone', careful.area > best, shown(careful.area))
    checks.that('the guarantee costs little', careful.area > central - 0.04, shown(careful.area))

    chapter('Trees: what is more than a sum of columns')
    const trees = await trained(cedar, 'trees')
    checks.that('they find more than any sum', trees.area > central, shown(trees.area))

    chapter('The guarantee is for one training: another one would tell more')
    const refusal = await room.failedRun(birch, { transform: 'careful' })
    checks.that(
      'it is refused by the rule budget, though every bank consented',
      refusal.includes('rule budget'),
      refusal,
    )
    const status = await cedar.sotto(['room', 'status'], { shown: 0 })
    checks.that(
      'nothing is left of it',
      (status.match(/for careful: 0 runs and epsilon 0 at delta 0 left/g) ?? []).length === 3,
      status,
    )

    chapter('The end')
    await room.close(contract)
  },
)
