import { expect, test } from 'vitest'
import { createClock, type WitnessedClock } from '@sotto/serve/clock'
import { claim } from '../../../../test/claims.ts'
import { concat } from '@sotto/protocol/bytes'
import type { App } from '@sotto/serve/errors'
import { createDateWindow, createGateway, createKeyRing, type KeyRing } from '../../src/gateway/index.ts'
import { createKeeper, type Keeper } from '../../src/release/keeper.ts'
import { openAnswer, outerRequest, sealedChunks } from '../gateway/parties.ts'
import { createReleaseWorld, type ReleaseWorld } from './world.ts'

interface Host {
  /** Seconds by which the operator set the wall clock wrong. */
  wrongBy: number
  /** Seconds since the start, by the monotonic clock. */
  elapsed: number
}

interface Enclave {
  host: Host
  clock: WitnessedClock
  keys: KeyRing
  keeper: Keeper
  app: App
  /** Bodies of the requests that were run. */
  ran: string[]
}

/** An enclave whose host owns the wall clock, as `runInference` puts it together. Witnesses see the true time. */
async function open(): Promise<ReleaseWorld & Enclave> {
  const setup = await createReleaseWorld()
  return { ...setup, ...boot(setup) }
}

/** A process of that enclave: its clocks start with it. */
function boot(setup: ReleaseWorld, wrongBy = 0): Enclave {
  const { world } = setup
  const host: Host = { wrongBy, elapsed: 0 }
  const monotonicNow = (): number => host.elapsed * 1000
  const start = world.now
  const clock = createClock({
    wall: () => (start + host.elapsed + host.wrongBy) * 1000,
    monotonic: monotonicNow,
  })
  const keys = createKeyRing({ now: clock.now, monotonicNow })
  const context = { ...setup.context, now: clock.now, observe: clock.observe }
  const dates = createDateWindow({ windowMs: 300_000, now: () => clock.witnessed() * 1000, monotonicNow })
  const keeper = createKeeper({ ...context, keys, dates, monotonicNow })
  const ran: string[] = []
  const app = createGateway({
    keys,
    async inner(request) {
      ran.push(await request.text())
      return new Response('answered')
    },
    modelOf: () => undefined,
    identity: keeper.identity,
    trustBundle: () => keeper.published()?.bundle,
    dates,
  })
  return { host, clock, keys, keeper, app, ran }
}

test(
  claim('T13', 'a host clock set back half a day before the start prolongs no key by a second'),
  async () => {
    const { host, keeper, keys, clock, world } = await open()
    host.wrongBy = -43_200
    await keeper.start()
    // The newest checkpoint is of 30 seconds ago, and the key ends an hour after now.
    expect([keeper.idleBecause(), clock.now()]).toEqual([undefined, world.now - 30])
    host.elapsed = 3630
    expect(keys.find(7)).toBeDefined()
    host.elapsed = 3631
    expect([keys.find(7), keys.configs, keeper.idleBecause()]).toEqual([undefined, undefined, 'NOT_ATTESTED'])
  },
)

test(claim('T13', 'a host clock set back while it runs prolongs nothing either'), async () => {
  const { host, keeper, keys, world } = await open()
  await keeper.start()
  host.elapsed = 3000
  host.wrongBy = -43_200
  world.now += 3000
  await keeper.tick()
  expect(keys.find(7)).toBeDefined()
  host.elapsed = 3601
  expect(keys.find(7)).toBeUndefined()
})

test(
  claim('T13', 'an hour without a fresh checkpoint by the monotonic clock, and nothing is served'),
  async () => {
    const { host, keeper, world, keys } = await open()
    world.policy.checkpointMaxAgeSeconds = 1800
    await keeper.start()
    host.wrongBy = -600
    host.elapsed = 1799
    expect(keeper.idleBecause()).toBeUndefined()
    host.elapsed = 1800
    expect([keeper.idleBecause(), keeper.identity(), keys.configs !== undefined]).toEqual([
      'WITNESSES_SILENT',
      undefined,
      true,
    ])
    // The log shows what it showed before: that breaks no silence.
    host.elapsed = 1801
    await expect(keeper.tick()).rejects.toMatchObject({ code: 'RELEASE_KMS_REFUSED' })
    expect(keeper.idleBecause()).toBe('WITNESSES_SILENT')
    world.now += 1800
    await keeper.tick()
    expect(keeper.idleBecause()).toBeUndefined()
  },
)

/** A request that its client dates so. */
function request(from: Enclave, seconds: number) {
  const fields: [string, string][] = [['date', new Date(seconds * 1000).toUTCString()]]
  const { sealer, parts } = sealedChunks(from.keys.find(7)!.key, { body: 'pay 100', fields })
  const post = async ({ app }: Enclave): Promise<Response> => app(outerRequest(concat(...parts)))
  return { post, statusAt: async (to: Enclave) => (await openAnswer(await post(to), sealer)).status }
}

// Set either way: an enclave that believed a clock set forward would answer what could be answered again later.
test.each([
  [0, -3600],
  [0, 0],
  [-1800, -3600],
  [1800, 1740],
])(
  claim('T12', 'what was answered where the host clock is wrong by %i s is not again, restarted with %i s'),
  async (before, after) => {
    const setup = await createReleaseWorld()
    const { world } = setup
    const first = boot(setup, before)
    await first.keeper.start()
    const sent = request(first, world.now)
    expect([await sent.statusAt(first), first.ran]).toEqual([200, ['pay 100']])

    // The same keys, for the epoch goes on, and an empty replay window. What it says is encrypted.
    world.now += 60
    const second = boot(setup, after)
    await second.keeper.start()
    expect([(await sent.post(second)).status, second.ran]).toEqual([200, []])
    expect([await request(second, world.now).statusAt(second), second.ran]).toEqual([200, ['pay 100']])
  },
)

test(claim('T12', 'a host clock set forward has no request accepted for a time to come'), async () => {
  const setup = await open()
  setup.host.wrongBy = 1800
  await setup.keeper.start()
  const { now } = setup.world
  expect(await request(setup, now + 1800).statusAt(setup)).toBe(400)
  // The clock of a client may be ahead by the window, less what the checkpoint is old.
  expect(await request(setup, now + 240).statusAt(setup)).toBe(200)
})
