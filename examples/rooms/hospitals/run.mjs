/** Three hospitals: statistics over the patients of all. Run: node examples/rooms/hospitals/run.mjs */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toCsv } from '../driver/csv.mjs'
import { readOptions } from '../driver/options.mjs'
import { play } from '../driver/play.mjs'
import { readRows } from '../driver/results.mjs'
import { ALONE, generate, HOSPITALS } from './data.mjs'
import { byAge, byDiagnosis } from './expected.mjs'

const options = readOptions({ rows: 600, minRows: 400 })
const { stays, canaries } = generate(options)
const here = (name) => fileURLToPath(new URL(name, import.meta.url))

await play(
  {
    title: 'Three hospitals: statistics over the patients of all',
    room: 'study',
    parties: HOSPITALS,
    keep: options.keep,
    canaries,
  },
  async ({ room, chapter, say, checks, parties }) => {
    const { north, south, east } = parties

    chapter('The contract: figures over twenty patients and more, for all three')
    const contract = await room.agree(north, ['study.yaml', 'by-diagnosis.sql', 'by-age.sql'].map(here))

    chapter('Data, sealed for runs of this contract alone')
    for (const hospital of HOSPITALS) {
      const { desk } = parties[hospital]
      await writeFile(join(desk, 'stays.csv'), toCsv(stays[hospital]), { mode: 0o600 })
      await room.add(parties[hospital], hospital, 'stays.csv')
    }

    chapter('Joint statistics, for all three')
    const run = await room.run(east, { transform: 'study', template: 'by-diagnosis' })
    const expected = byDiagnosis(stays)
    for (const party of [north, south, east]) {
      const found = await readRows(join(await room.open(party, run), 'statistics'))
      if (party === north) for (const row of found) say(`    ${JSON.stringify(row)}`)
      checks.rows(`${party.name} has the figures of the data, computed without the room`, found, expected)
      checks.that(
        'leprosy is not among them: the north has five patients, and the others do not make up for them',
        !found.some(({ diagnosis }) => diagnosis === 'leprosy'),
      )
    }

    chapter('Patients of 60 to 80 years, and a patient who is alone in being as old')
    for (const [youngest, oldest] of [
      [60, 80],
      [ALONE, ALONE],
    ]) {
      const asked = await room.run(south, {
        transform: 'study',
        template: 'by-age',
        set: { youngest, oldest },
      })
      const found = await readRows(join(await room.open(south, asked), 'statistics'))
      say(`    ${JSON.stringify(found)}`)
      const about =
        youngest === ALONE ? 'of the one patient there is no row' : 'the figures are those of the data'
      checks.rows(about, found, byAge(stays, youngest, oldest))
    }

    chapter('What the rules do not let anybody ask')
    const alone = await room.refusedAsking(south, { transform: 'patients' })
    checks.that(
      'groups of one are refused by the rule contributor-column',
      alone.includes('rule contributor-column'),
      alone,
    )
    const named = await room.refusedAsking(south, { transform: 'names' })
    checks.that(
      'names are refused by the rule forbidden-column',
      named.includes('rule forbidden-column'),
      named,
    )

    chapter('The end')
    await room.close(contract)
  },
)
