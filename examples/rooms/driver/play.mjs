/** Plays an example: people with processes of their own, a transcript, and checks at the end. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChecks } from './checks.mjs'
import { findMissing } from './commands.mjs'
import { createOperator } from './operator.mjs'
import { createPerson } from './person.mjs'
import { createRoom } from './room.mjs'
import { createSearch, searchFolder } from './search.mjs'

/** Exit codes: something did not hold; the example cannot run here; somebody interrupted it. */
const FAILED = 1
const MISSING = 2
const INTERRUPTED = 130

/**
 * @param {object} about
 * @param {string} about.title
 * @param {string} about.room what the parties call it
 * @param {string[]} about.parties
 * @param {boolean} about.keep whether the files of all are left
 * @param {Record<string, string[]>} about.canaries words in the data of each party that nobody else may have
 * @param {boolean} [about.hasQueries] whether the room runs queries. Default: it does
 * @param {(scene: object) => Promise<void>} story what happens between the start of the service and its end
 */
export async function play(about, story) {
  const say = (line) => void process.stdout.write(`${line}\n`)
  const missing = findMissing({ hasQueries: about.hasQueries ?? true })
  if (missing !== undefined) {
    process.stderr.write(`error: ${missing}\n`)
    process.exitCode = MISSING
    return
  }
  const folder = await mkdtemp(join(tmpdir(), 'sotto-example-'))
  const operator = createOperator(await createPerson({ name: 'operator', folder, say }))
  const parties = await Promise.all(about.parties.map((name) => createPerson({ name, folder, say })))
  const checks = createChecks(say)
  const stopAll = async () => {
    await operator.stop().catch((error) => say(`the service did not stop: ${error.message}`))
    if (about.keep) say(`\nkept: ${folder}`)
    else await rm(folder, { recursive: true, force: true })
  }
  let ending
  const end = () => (ending ??= stopAll())
  // The service has a session of its own: nothing else would stop it. Nobody may be reading the transcript any more.
  const interrupt = () => void end().finally(() => process.exit(INTERRUPTED))
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupt)
  process.stdout.on('error', interrupt)
  try {
    say(about.title)
    await playAll(about, { operator, parties, checks, say }, story)
  } catch (error) {
    say(`\n${error.message}`)
    checks.failed.push('the story ended early')
  } finally {
    await end()
  }
  say(checks.failed.length === 0 ? '\nok' : `\nfailed: ${checks.failed.join('; ')}`)
  process.exitCode = checks.failed.length === 0 ? 0 : FAILED
}

async function playAll({ room: name, canaries }, { operator, parties, checks, say }, story) {
  const chapter = (text) => say(`\n== ${text}`)

  chapter('Everybody has a key of their own; the operator admits the public ones, and starts the service')
  const keys = await Promise.all(parties.map(async (party) => keyIn(await party.sotto(['models', 'owner']))))
  await operator.start(keys)

  chapter('The room: whoever has the invitation is a member')
  const address = await operator.address()
  const room = createRoom({ name, parties, address, policy: operator.givePolicy })
  const [seen, ...others] = await room.enter()
  for (const line of seen) say(`    ${line}`)
  checks.that(
    'every party sees the same fingerprints',
    seen.length === parties.length && others.every((other) => other.join() === seen.join()),
  )

  const byName = Object.fromEntries(parties.map((one) => [one.name, one]))
  await story({ room, chapter, say, checks, parties: byName })

  chapter('Every party keeps the proofs of all runs')
  await room.keepProofs()

  chapter('What the operator has, and what parties have of each other')
  const secrets = { ...canaries, [parties[0].name]: [...canaries[parties[0].name], ...room.titles] }
  for (const party of parties) await searchFor(party, secrets[party.name], { operator, checks })
  for (const party of parties) await searchOthers(party, canaries[party.name], { parties, checks })
  const withCores = await operator.withCores()
  checks.that(
    'no process of the service writes its memory to disk when it crashes',
    withCores.length === 0,
    withCores.join(),
  )
  await operator.stop()
  for (const party of parties) await searchFor(party, secrets[party.name], { operator, checks })

  chapter('Every party audits all runs, offline: the service is gone')
  await room.audit()
  checks.that('every audit ended with exit code 0', true)
}

/** A search that finds nothing proves something only where it finds what is there. */
async function searchFor(party, words, { operator, checks }) {
  const search = createSearch(words)
  const own = await searchFolder(party.folder, search)
  const there = new Set(own.found.map(({ word }) => word))
  const { files, found } = await operator.search(search)
  checks.that(
    `secrets of ${party.name} (${words.length}) are in its own files, and in none of ${files} of the operator`,
    words.length > 0 && words.every((word) => there.has(word)) && found.length === 0,
    `there: ${there.size}; found in ${found.map(({ path }) => path).join(', ') || 'nothing'}`,
  )
}

/** Of another party somebody gets results, and never words of its data. */
async function searchOthers(party, words, { parties, checks }) {
  if (words.length === 0) return
  const search = createSearch(words)
  const others = parties.filter((one) => one !== party)
  const found = await Promise.all(
    others.map(async ({ folder }) => (await searchFolder(folder, search)).found),
  )
  checks.that(
    `words in the data of ${party.name} are in no file of ${others.map(({ name }) => name).join(' and ')}`,
    found.flat().length === 0,
    found
      .flat()
      .map(({ path }) => path)
      .join(', '),
  )
}

/** The public key that `sotto models owner` prints. */
function keyIn(text) {
  return /^key +(\S+)$/m.exec(text)[1]
}
