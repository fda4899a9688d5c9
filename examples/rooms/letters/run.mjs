/** Letters: a publisher has those of an archive summarised, and reads none of them. Run: node examples/rooms/letters/run.mjs */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readOptions } from '../driver/options.mjs'
import { play } from '../driver/play.mjs'
import { readTexts } from '../driver/results.mjs'
import { generate } from './data.mjs'
import { longestPassage } from './expected.mjs'
import { answersOf, placeExtractive, placeModel } from './models.mjs'

/** As the contracts have it. */
const MOST_WORDS = 8
const MODEL_MARK = 'fine-tuned-by-the-publisher-2f6b19c4'

const options = readOptions({ rows: 8, minRows: 6, more: { t5: '', bart: '' } })
/** Of models of the caller's own nobody knows beforehand what they say. */
const isKnown = { t5: options.t5 === '', bart: options.bart === '' }
const answers = { t5: await answersOf('t5'), bart: await answersOf('bart') }
const known = [...new Set([...answers.t5, ...answers.bart].map(({ text }) => text))]
const { letters, canaries } = generate(options, known)
const texts = [...letters.values()]
const here = (name) => fileURLToPath(new URL(name, import.meta.url))

await play(
  {
    title: 'Letters: summaries of what nobody but their owner reads',
    room: 'letters',
    parties: ['publisher', 'archive'],
    keep: options.keep,
    canaries: { archive: canaries, publisher: isKnown.t5 || isKnown.bart ? [MODEL_MARK] : [] },
    hasQueries: false,
  },
  async ({ room, chapter, say, checks, parties: { publisher, archive } }) => {
    const model = (name) => join(publisher.desk, 'models', name)
    for (const name of ['t5', 'bart'])
      await placeModel(model(name), { own: options[name], fixture: name, description: MODEL_MARK })
    await placeExtractive(model('extracts'))
    await mkdir(join(archive.desk, 'letters'), { mode: 0o700 })
    for (const [name, text] of letters)
      await writeFile(join(archive.desk, 'letters', name), text, { mode: 0o600 })

    chapter('The contract pins models, prompt and settings, and how long a passage a summary may repeat')
    const contract = await room.agree(publisher, [here('summaries.yaml')])

    chapter('Letters and models, sealed for runs of this contract alone')
    await room.add(archive, 'letters', 'letters')
    for (const name of ['t5', 'bart', 'extracts']) await room.add(publisher, name, `models/${name}`)

    for (const name of ['t5', 'bart']) {
      chapter(`Summaries with ${name.toUpperCase()}, for the publisher`)
      const run = await room.run(publisher, { transform: `with-${name}` })
      const found = await readTexts(join(await room.open(publisher, run), `${name}-summaries`))
      for (const { item, text } of found.slice(0, 3)) say(`    ${item}: ${text}`)
      checkSummaries(name, found)
    }

    chapter('A model that takes sentences as they stand')
    const refusal = await room.failedRun(publisher, { transform: 'with-extracts' })
    checks.that(
      'what it makes stays in the room, by the rule max-common-words',
      refusal.includes('rule max-common-words'),
      refusal,
    )
    checks.that(
      'and nothing of the letters is in what is told',
      !texts.some((text) => refusal.includes(text.slice(0, 20))),
    )
    await room.close(contract)

    chapter('Another contract: the archive looks at what is to leave')
    const reviewed = await room.agree(publisher, [here('reviewed.yaml')])
    const under = ['--contract', reviewed]
    await room.add(archive, 'letters', 'letters', under)
    await room.add(publisher, 't5', 'models/t5', under)

    chapter('It lets one result out')
    const first = await room.runUntilReview(publisher, { transform: 'reviewed' })
    const looked = await room.decide(archive, first, 'yes')
    await room.finish(publisher, first)
    const found = await readTexts(join(await room.open(publisher, first), 't5-summaries'))
    checkSummaries('t5', found)
    const seen = await readTexts(join(looked, 't5-summaries'))
    checks.that(
      'the publisher has exactly what the archive looked at',
      JSON.stringify(seen) === JSON.stringify(found),
    )

    chapter('And keeps another one')
    const second = await room.runUntilReview(publisher, { transform: 'reviewed' })
    await room.decide(archive, second, 'no')
    const kept = await publisher.refused(['room', 'run', '--go', second])
    checks.that('the run ends without a result', kept.includes('ROOM_RUN_FAILED'), kept)
    checks.that('and the publisher has nothing of it', !room.hasResults(publisher, second))

    chapter('The end')
    await room.close(reviewed)

    function checkSummaries(name, summaries) {
      checks.that(
        'there is one of each letter',
        summaries.length === texts.length && summaries.every(({ item }, at) => item === at + 1),
      )
      if (isKnown[name])
        checks.rows(
          'they are, of letters with known summaries, those that transformers makes with these weights and settings',
          answers[name].map(({ text }) => ({ text: summaries[texts.indexOf(text)].text })),
          answers[name].map(({ decoded }) => ({ text: decoded })),
        )
      const words = longestPassage(
        summaries.map(({ text }) => text),
        texts,
      )
      checks.that(
        `the longest passage that they repeat has ${words} words, of ${MOST_WORDS} at most`,
        words <= MOST_WORDS,
      )
    }
  },
)
