/** A bank and a retailer: what customers of both buy, and nothing about any of them. Run: node examples/rooms/bank-and-retailer/run.mjs */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toCsv } from '../driver/csv.mjs'
import { readOptions } from '../driver/options.mjs'
import { play } from '../driver/play.mjs'
import { readRows } from '../driver/results.mjs'
import { generate } from './data.mjs'
import { byIncome, bySegment } from './expected.mjs'

const SINCE = '2026-03-01'
/** Epsilon 2, shared by two figures and the count of people; a person has four rows of at most 500. */
const SCALES = { purchases: (4 * 3) / 2, spent: (4 * 500 * 3) / 2 }
/** Noise of more scales than that comes once in a hundred million figures. */
const MOST_SCALES = 19

const options = readOptions({ rows: 2000, minRows: 1500 })
const data = generate(options)
const { canaries, ...tables } = data
const here = (name) => fileURLToPath(new URL(name, import.meta.url))

await play(
  {
    title: 'A bank and a retailer: offers for customers of both',
    room: 'offers',
    parties: ['bank', 'retailer'],
    keep: options.keep,
    canaries,
  },
  async ({ room, chapter, say, checks, parties: { bank, retailer } }) => {
    for (const [name, rows] of Object.entries(tables)) {
      const { desk } = name === 'purchases' ? retailer : bank
      await writeFile(join(desk, `${name}.csv`), toCsv(rows), { mode: 0o600 })
    }

    chapter('The contract: the retailer gets figures over ten people and more, and the bank gets nothing')
    const contract = await room.agree(retailer, ['offers.yaml', 'by-segment.sql', 'by-income.sql'].map(here))

    chapter('Data, sealed for runs of this contract alone')
    await room.add(bank, 'accounts', 'accounts.csv')
    await room.add(bank, 'areas', 'areas.csv')
    await room.add(retailer, 'purchases', 'purchases.csv')

    chapter('What customers of both buy')
    const run = await room.run(retailer, {
      transform: 'offers',
      template: 'by-segment',
      set: { since: SINCE },
    })
    const found = await readRows(join(await room.open(retailer, run), 'met-offers'))
    for (const row of found) say(`    ${JSON.stringify(row)}`)
    const expected = bySegment(data, SINCE)
    checks.rows('the figures are those of the data, computed without the room', found, expected)
    checks.that(
      'the four people of the segment private are in none of them',
      !found.some(({ segment }) => segment === 'private'),
    )
    const nothing = await bank.sotto(['room', 'outputs', run, '--out', 'results'])
    checks.that('the bank gets nothing of it', nothing.trim() === '')

    chapter('The same for areas, with noise: differentially private')
    const noisy = await room.run(retailer, { transform: 'spending' })
    const spent = await readRows(join(await room.open(retailer, noisy), 'spent'))
    const exact = byIncome(data)
    for (const [at, row] of spent.entries())
      say(`    ${JSON.stringify(row)}  exactly ${JSON.stringify(exact[at])}`)
    checks.that(
      'every group is there, as the contract lists them',
      spent.map(({ income }) => income).join() === 'low,middle,high',
    )
    const isNear = (name) =>
      spent.every(
        (row, at) =>
          row[name] !== null && Math.abs(row[name] - exact[at][name]) <= MOST_SCALES * SCALES[name],
      )
    checks.that(
      'every figure is as near to the exact one as its noise lets it be',
      isNear('purchases') && isNear('spent'),
    )
    checks.that(
      'and they have noise',
      spent.some((row, at) => row.spent !== exact[at].spent),
    )

    chapter('What the contract does not let anybody ask')
    const refusal = await room.refusedAsking(retailer, { transform: 'balances' })
    checks.that(
      'balances of customers are refused by the rule aggregates-only',
      refusal.includes('rule aggregates-only'),
      refusal,
    )

    chapter('The end')
    await room.close(contract)
  },
)
