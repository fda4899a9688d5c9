/** What parties of a room do, step by step: each step is a command that somebody types. */
import { existsSync } from 'node:fs'
import { copyFile, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** As much of a digest as folders are named by. */
const SHORT = 12

/**
 * @param {object} about
 * @param {string} about.name what the parties call the room
 * @param {any[]} about.parties the first one makes it
 * @param {string} about.address of the service
 * @param {(desk: string) => Promise<void>} about.policy gives somebody the trust policy
 */
export function createRoom({ name, parties, address, policy }) {
  const [first, ...others] = parties
  /** Runs that gave a result, all contracts, and their titles, which are for parties alone. */
  const done = []
  const contracts = []
  const titles = []
  /** Which party has opened which run. */
  const opened = new Set()
  let hasShown = false

  /** Each party at the same time: they wait for nobody. */
  const each = (people, act) => Promise.all(people.map(act))

  async function ask(asker, asked) {
    const run = digestIn(await asker.sotto(asking(asked)))
    const owners = parties.filter((party) => party !== asker)
    await each(owners, async (owner, at) => {
      // What an owner reads before it consents is long: it is shown once.
      const shown = hasShown || at > 0 ? 0 : 30
      await owner.sotto(['room', 'vote', run, 'yes', '--yes'], { shown })
    })
    hasShown = true
    return run
  }

  async function open(party, run) {
    await party.sotto(['room', 'outputs', run, '--out', 'results'])
    opened.add(`${party.name} ${run}`)
    return join(party.desk, 'results', run.slice(0, SHORT))
  }

  return {
    titles,
    /** The first party makes the room and invites the others. @returns {Promise<string[][]>} members with their fingerprints, as each party sees them */
    async enter() {
      const service = ['--host', address, '--policy', 'policy.json']
      for (const { desk } of parties) await policy(desk)
      const invitation = await first.sotto(['room', 'init', name, '--as', first.name, ...service])
      for (const other of others)
        await other.sotto(['room', 'join', '-', '--as', other.name, '--name', name, ...service], {
          input: invitation,
        })
      return each(parties, async (party) => membersIn(await party.sotto(['room', 'status'], { shown: 0 })))
    },
    /**
     * One party proposes a contract, and all sign it.
     * @param {string[]} files the draft, and files that it names
     * @returns {Promise<string>} its digest
     */
    async agree(proposer, [draft, ...files]) {
      for (const file of [draft, ...files]) await copyFile(file, join(proposer.desk, basename(file)))
      titles.push(/^title: (.+)$/m.exec(await readFile(draft, 'utf8'))[1])
      const contract = digestIn(await proposer.sotto(['room', 'propose', basename(draft)], { shown: 60 }))
      await each(parties, (party) => party.sotto(['room', 'vote', contract, 'yes', '--yes'], { shown: 0 }))
      contracts.push(contract)
      return contract
    },
    /** A party brings an input. */
    add: (party, input, place, more = []) => party.sotto(['room', 'data', 'add', input, place, ...more]),
    /**
     * Asks for a run, has every other party consent, and sees it through.
     * @returns {Promise<string>} its digest
     */
    async run(asker, asked) {
      const run = await ask(asker, asked)
      await asker.sotto(['room', 'run', '--go', run])
      done.push(run)
      return run
    },
    /** A run that waits for an owner to look at the result. @returns {Promise<string>} its digest */
    async runUntilReview(asker, asked) {
      const run = await ask(asker, asked)
      await asker.refused(['room', 'run', '--go', run, '--once'])
      return run
    },
    /**
     * An owner looks at the result of a run, and lets it out or not.
     * @param {'yes' | 'no'} choice
     * @returns {Promise<string>} the folder with what it looked at
     */
    async decide(owner, run, choice) {
      await owner.sotto(['room', 'vote', run, choice, '--result', '--yes', '--out', 'looked-at'])
      return join(owner.desk, 'looked-at', run.slice(0, SHORT))
    },
    /** Whether a party has opened something of a run. */
    hasResults: (party, run) => existsSync(join(party.desk, 'results', run.slice(0, SHORT))),
    /** Goes on with a run whose result was looked at. */
    async finish(asker, run) {
      await asker.sotto(['room', 'run', '--go', run])
      done.push(run)
    },
    /** A run that the room refuses before anybody consents to it. @returns {Promise<string>} the refusal */
    refusedAsking: (asker, asked) => asker.refused(asking(asked)),
    /** A run that ends without a result though every owner consented. @returns {Promise<string>} why */
    async failedRun(asker, asked) {
      const run = await ask(asker, asked)
      return asker.refused(['room', 'run', '--go', run])
    },
    /** Opens what a run gave a party, and keeps what proves it. @returns {Promise<string>} its folder */
    open,
    /** Every party keeps what proves the runs, also where nothing was for them. */
    keepProofs: () =>
      each(parties, async (party) => {
        for (const run of done) if (!opened.has(`${party.name} ${run}`)) await open(party, run)
      }),
    /** Every party ends the contract. */
    async close(contract) {
      for (const party of parties) await party.sotto(['room', 'close', contract, '--yes'])
    },
    /** Every party checks the proofs that it keeps, by itself and without a network. */
    audit: () =>
      each(parties, async (party, at) => {
        for (const contract of contracts)
          await party.sotto(['room', 'audit', '--contract', contract], { shown: at === 0 ? 80 : 0 })
      }),
  }
}

/** The command that asks for a run, and waits for nobody. */
function asking({ transform, template, set = {} }) {
  const values = Object.entries(set).flatMap(([name, value]) => ['--set', `${name}=${value}`])
  return [
    'room',
    'run',
    transform,
    ...(template === undefined ? [] : ['--template', template]),
    ...values,
    '--once',
  ]
}

/** The first digest that a command printed. */
function digestIn(text) {
  const [digest] = /\b[0-9a-f]{64}\b/.exec(text) ?? []
  if (digest === undefined) throw new Error(`no digest in: ${text}`)
  return digest
}

/** Lines of members, without who reads them. */
function membersIn(text) {
  const lines = text.split('\n')
  const from = lines.indexOf('members') + 1
  const until = lines.findIndex((line, at) => at >= from && !line.startsWith('  '))
  return lines
    .slice(from, until < 0 ? undefined : until)
    .map((line) => line.replace('  (you)', '').trim())
    .sort()
}
