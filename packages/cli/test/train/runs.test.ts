import type { RunView } from '@sotto/protocol/room'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createParties, current, meet, type Parties } from '../room/parties.ts'
import { trainingDraft } from '../room/training-drafts.ts'

vi.mock('../../src/service/open.ts', async (original) => ({
  ...(await original<object>()),
  openService: async () => current.world!.sotto(),
}))

let parties: Parties
beforeEach(async () => {
  parties = await createParties()
  await meet(parties)
})
afterEach(() => parties.clear())

const TABLE = 'customer,amount,rate,kind,fraud\nada,12,0.5,card,true\n'

/** Both parties sign the contract of a training, and bring their tables. */
async function agreed(train: Record<string, unknown> = {}): Promise<void> {
  const { bank, retailer } = parties
  bank.write('train.yaml', trainingDraft({ train }))
  const { contract } = await bank.json<{ contract: string }>('room propose train.yaml')
  for (const desk of [bank, retailer]) await desk.json(`room vote ${contract} yes --yes`)
  for (const desk of [bank, retailer]) desk.write('table.csv', TABLE)
  await bank.json('room data add payments table.csv')
  await retailer.json('room data add returns table.csv')
}

/** Asks for the training. @returns the run */
async function asked(): Promise<string> {
  const { run } = await parties.bank.json<{ run: string }>('train run --once')
  return run
}

/** What the room says of the run from now on. */
function say(run: string, view: Partial<RunView>): void {
  tell(parties.world.running.get(run)!, view)
}

function tell(running: { view: RunView }, view: Partial<RunView>): void {
  running.view = { ...running.view, ...view }
}

const at = (done: number, lossMicros?: number): Partial<RunView> => ({
  state: 'running',
  progress: { transform: 'fraud', done, of: 1000, ...(lossMicros !== undefined && { lossMicros }) },
})

describe('sotto train run', () => {
  it('asks for the only training, and goes on with it as with any run', async () => {
    await agreed()
    const run = await asked()
    await parties.retailer.json(`room vote ${run} yes --yes`)
    const { code, stdout } = await parties.bank.sotto(`train run --go ${run}`)
    expect([code, stdout]).toEqual([0, `${run}\n`])
    expect(parties.world.asked).toContain('begin')
  })

  it('is of a training that is named, where there are several', async () => {
    const { bank, retailer } = parties
    const text = trainingDraft({}).replace(/transforms:\n( +fraud:\n(?: {4}.*\n)+)/, (all, one: string) =>
      all.concat(one.replace('fraud:', 'again:')),
    )
    bank.write('train.yaml', text)
    const { contract } = await bank.json<{ contract: string }>('room propose train.yaml')
    for (const desk of [bank, retailer]) await desk.json(`room vote ${contract} yes --yes`)
    const { code, stderr } = await bank.sotto('train run --once')
    expect([code, stderr.includes('fraud, again')]).toEqual([2, true])
  })

  it('is of nothing where no contract trains', async () => {
    const { code, stderr } = await parties.bank.sotto('train run --once')
    expect([code, stderr.includes('[ROOM_ITEM]')]).toEqual([2, true])
  })

  it('ends early where somebody cancels it', async () => {
    await agreed()
    const run = await asked()
    const { code, stdout } = await parties.bank.sotto(`train cancel ${run} --yes`)
    expect([code, stdout]).toEqual([0, `${run.slice(0, 12)} is cancelled\n`])
  })
})

describe('sotto train resume', () => {
  const lost: Partial<RunView> = { state: 'failed', failure: { code: 'ROOM_CANCELLED', message: 'gone' } }
  const state = (step: number) => ({ step, state: 'aa'.repeat(32), sealed: 'bb'.repeat(32), bytes: 100 })

  it('asks for the training that was charged, from its last state', async () => {
    await agreed()
    const { bank, retailer, world } = parties
    const first = await asked()
    await retailer.json(`room vote ${first} yes --yes`)
    say(first, { ...lost, checkpoint: state(250) })
    await bank.sotto(`train run --go ${first}`)
    const second = await bank.json<{ run: string }>(`train resume ${first} --once`)
    expect(world.running.get(second.run)!.offered.offer.resumes).toBe(first)
    expect(world.goesOnFrom).toEqual([state(250)])
    // Who asks for one that went on itself means the one that was charged.
    const third = await bank.json<{ run: string }>(`train resume ${second.run} --once`)
    expect(world.running.get(third.run)!.offered.offer.resumes).toBe(first)
    // Somebody may have told of a state that is none.
    await bank.json(`train resume ${first} --anew --once`)
    expect(world.goesOnFrom).toHaveLength(1)
  })

  it('tells a run of nothing that trains, or that nobody knows, from it', async () => {
    await agreed()
    const { code, stderr } = await parties.bank.sotto('train resume 3f8a91c2d4e5 --once')
    expect([code, stderr.includes('[ROOM_ITEM]')]).toEqual([2, true])
  })
})

describe('sotto train status', () => {
  it('says how far each training is, as the room counts', async () => {
    await agreed()
    const run = await asked()
    expect((await parties.bank.sotto('train status')).stdout).toBe(`${run.slice(0, 12)}  fraud: offered\n`)
    say(run, at(250))
    expect((await parties.retailer.sotto('train status')).stdout).toBe(
      `${run.slice(0, 12)}  fraud: running\n  [######..................] 250 of 1000 steps\n`,
    )
    say(run, at(500, 431_210))
    expect(await parties.bank.json('train status')).toEqual({
      trainings: [
        {
          run,
          contract: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
          transform: 'fraud',
          state: 'running',
          isTold: false,
          of: 1000,
          point: { step: 500, loss: 0.43121 },
        },
      ],
    })
  })

  it('says what failed, and what nobody has asked for', async () => {
    await agreed()
    const before = await parties.bank.sotto('train status')
    expect([before.stdout, before.stderr.includes('nobody has asked')]).toEqual(['', true])
    const run = await asked()
    say(run, { state: 'failed', failure: { code: 'ROOM_TRAIN_COLUMN', message: 'a column is missing' } })
    expect((await parties.bank.sotto('train status')).stdout).toContain(
      'a column is missing [ROOM_TRAIN_COLUMN]',
    )
  })
})

describe('sotto train plot', () => {
  it('draws the loss of a run that it follows to its end', async () => {
    await agreed({ show: 'loss' })
    const run = await asked()
    const curve = [0, 250, 500, 750, 1000]
    const { world } = parties
    const look = vi.spyOn(world.running, 'get')
    look.mockImplementation(function (this: unknown, key: string) {
      const running = Map.prototype.get.call(world.running, key) as ReturnType<typeof world.running.get>
      const step = curve.shift()
      if (step === undefined) tell(running!, { state: 'done' })
      else tell(running!, at(step, 1_000_000 - 900 * step))
      return running
    })
    const { code, stdout } = await parties.bank.sotto('train plot')
    look.mockRestore()
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toBe(`${run.slice(0, 12)}  fraud: done`)
    expect(lines[1]).toMatch(/^ {4}1\.000 [⠀-⣿]/)
    expect(lines[12]).toMatch(/^ {3}0\.1000 /)
    expect(lines.at(-2)).toBe('[########################] 1000 of 1000 steps, loss 0.1000')
  })

  it('draws steps where nobody is shown a loss, once where that is asked for', async () => {
    await agreed()
    const run = await asked()
    say(run, at(500))
    const { stdout } = await parties.bank.sotto(`train plot ${run} --once`)
    expect(stdout).toBe(`${run.slice(0, 12)}  fraud: running\n[############............] 500 of 1000 steps\n`)
    expect(await parties.bank.json('train plot --once')).toMatchObject({ run, point: { step: 500 } })
  })

  it('is patient with a room that does not answer, and knows no run of another kind', async () => {
    await agreed()
    const run = await asked()
    say(run, at(500))
    parties.world.misses = 2
    expect((await parties.bank.sotto('train plot --once')).code).toBe(0)
    const { code, stderr } = await parties.bank.sotto('train plot 000000000000')
    expect([code, stderr.includes('[ROOM_ITEM]')]).toEqual([2, true])
  })
})
