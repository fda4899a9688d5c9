import { describe, expect, it, onTestFinished } from 'vitest'
import { appError } from '../../src/app/errors.ts'
import type { Listener } from '../../src/app/listeners.ts'
import { superviseApp, type SupervisedLife, type SuperviseOptions } from '../../src/app/supervise.ts'

const [PORT, API] = [8080, 61_080] as const
const GOOD: Listener[] = [
  { protocol: 'tcp', port: PORT },
  { protocol: 'tcp', port: API },
]

/** A life that does what a test says. */
class FakeLife implements SupervisedLife {
  readonly ended: Promise<number | undefined>
  found: Listener[] | Error = GOOD
  status: number | undefined = 200
  isEnded = false
  die: (status?: number) => void = () => undefined

  constructor() {
    this.ended = new Promise((resolve) => {
      this.die = (status) => {
        this.isEnded = true
        resolve(status)
      }
    })
  }

  listeners(): Listener[] {
    if (this.found instanceof Error) throw this.found
    return this.found
  }

  end(): void {
    this.die()
  }
}

function supervise(
  change: Partial<SuperviseOptions<FakeLife>> & { prepare?: (life: FakeLife, index: number) => void } = {},
) {
  const lives: FakeLife[] = []
  const told: string[] = []
  const supervisor = superviseApp<FakeLife>({
    async start() {
      const life = new FakeLife()
      lives.push(life)
      change.prepare?.(life, lives.length - 1)
      return life
    },
    checkHealth: async (life) => life.status,
    port: PORT,
    apiPort: API,
    startMs: 300,
    watchMs: 5,
    restartBackoffMs: 1,
    onEnded: (status) => told.push(`ended ${status}`),
    onFailed: (reason) => told.push(`failed ${(reason as { code?: string }).code}`),
    onHealthy: (restarts) => told.push(`healthy ${restarts}`),
    ...change,
  })
  onTestFinished(() => supervisor.close())
  const code = () => {
    try {
      supervisor.current()
      return undefined
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  return { supervisor, lives, told, code }
}

describe('a first start', () => {
  it('is over when the app answers its health check', async () => {
    const { supervisor, lives, told, code } = supervise({ prepare: (life) => void (life.status = undefined) })
    expect([supervisor.trouble, code()]).toEqual(['APP_STARTING', 'APP_STARTING'])
    const started = supervisor.start()
    setTimeout(() => (lives[0]!.status = 204), 20)
    await started
    expect([supervisor.trouble, supervisor.current(), told]).toEqual([undefined, lives[0], ['healthy 0']])
  })

  it.each<[string, (life: FakeLife) => void, string]>([
    ['never answers', (life) => void (life.status = undefined), 'no answer'],
    ['answers with an error', (life) => void (life.status = 500), 'status 500'],
    ['answers with a redirection', (life) => void (life.status = 302), 'status 302'],
    ['ends', (life) => ((life.status = undefined), life.die(3)), 'it ended with 3'],
    ['is ended by a signal', (life) => ((life.status = undefined), life.die()), 'it ended with a signal'],
  ])('fails by name where the app %s', async (_, prepare, found) => {
    const { supervisor, lives, told } = supervise({ prepare })
    await expect(supervisor.start()).rejects.toMatchObject({
      code: 'APP_NOT_HEALTHY',
      action: 'fix-input',
      found,
    })
    expect([lives[0]!.isEnded, lives.length, told]).toEqual([true, 1, ['failed APP_NOT_HEALTHY']])
  })

  it('fails by name where the app listens on a second port, healthy or not', async () => {
    for (const other of [
      { protocol: 'tcp', port: 9000 },
      { protocol: 'udp', port: PORT },
    ] as const) {
      const { supervisor, lives, code } = supervise({
        prepare: (life) => void (life.found = [...GOOD, other]),
      })
      await expect(supervisor.start()).rejects.toMatchObject({
        code: 'APP_SECOND_PORT',
        action: 'stop',
        found: `${other.protocol} ${other.port}`,
      })
      expect([lives[0]!.isEnded, code()]).toEqual([true, 'APP_SECOND_PORT'])
    }
  })
})

describe('an app that runs', () => {
  it('is started again when it ends, and serves in between nobody', async () => {
    const { supervisor, lives, told, code } = supervise({ restartBackoffMs: 20 })
    await supervisor.start()
    lives[0]!.die(1)
    await expect.poll(code).toBe('APP_RESTARTING')
    await expect.poll(() => supervisor.trouble).toBeUndefined()
    expect([lives.length, supervisor.current(), told]).toEqual([
      2,
      lives[1],
      ['healthy 0', 'ended 1', 'healthy 1'],
    ])
  })

  it('is started again however often it ends, each time after a longer pause', async () => {
    const begun: number[] = []
    const { supervisor, lives, told, code } = supervise({
      restartBackoffMs: 4,
      prepare(life, index) {
        begun.push(performance.now())
        if (index > 0 && index < 9) life.die(9)
      },
    })
    await supervisor.start()
    lives[0]!.die(9)
    await expect.poll(code).toBe('APP_RESTARTING')
    await expect.poll(() => supervisor.trouble, { timeout: 10_000 }).toBeUndefined()
    expect(lives).toHaveLength(10)
    expect(told).toEqual([
      'healthy 0',
      'ended 9',
      ...Array.from({ length: 8 }, () => 'failed APP_NOT_HEALTHY'),
      'healthy 9',
    ])
    // 4 ms, doubled seven times.
    expect(begun[9]! - begun[8]!).toBeGreaterThan(500)
  })

  it('is started again too where it gets healthy every time, and ends right after', async () => {
    const { supervisor, lives } = supervise({
      prepare: (life, index) => void (index < 8 && setTimeout(() => life.die(1), 15)),
    })
    await supervisor.start()
    await expect.poll(() => lives.length, { timeout: 10_000 }).toBe(9)
    await expect.poll(() => supervisor.trouble).toBeUndefined()
  })

  it('is not started again where a security check refused it', async () => {
    let starts = 0
    const { supervisor, told } = supervise({
      async start() {
        if (starts++ > 0) throw appError('APP_SANDBOX', 'no')
        const life = new FakeLife()
        setTimeout(() => life.die(), 10)
        return life
      },
    })
    await supervisor.start()
    await expect.poll(() => supervisor.trouble).toBe('APP_GIVEN_UP')
    expect([starts, told.at(-1)]).toEqual([2, 'failed APP_SANDBOX'])
  })

  it('is ended for good when it opens a second port later', async () => {
    const { supervisor, lives, told, code } = supervise()
    await supervisor.start()
    lives[0]!.found = [...GOOD, { protocol: 'tcp', port: 22 }]
    await expect.poll(code).toBe('APP_SECOND_PORT')
    expect([lives[0]!.isEnded, lives.length, told]).toEqual([
      true,
      1,
      ['healthy 0', 'failed APP_SECOND_PORT'],
    ])
  })

  it('gets another life where its bridge is gone, or nothing can be seen of it', async () => {
    for (const found of [[GOOD[0]!], new Error('a line that cannot be read')]) {
      const { supervisor, lives } = supervise()
      await supervisor.start()
      lives[0]!.found = found
      await expect.poll(() => lives.length).toBe(2)
      expect(lives[0]!.isEnded).toBe(true)
    }
  })
})

describe('closing', () => {
  it('ends the app, and nothing starts it again', async () => {
    const { supervisor, lives, code } = supervise()
    await supervisor.start()
    await supervisor.close()
    expect([lives[0]!.isEnded, lives.length, code()]).toEqual([true, 1, 'APP_CLOSED'])
  })

  it('ends an app that is still starting', async () => {
    const { supervisor, lives } = supervise({
      startMs: 60_000,
      prepare: (life) => void (life.status = undefined),
    })
    const started = supervisor.start()
    started.catch(() => undefined)
    await expect.poll(() => lives.length).toBe(1)
    await supervisor.close()
    await expect(started).rejects.toBeDefined()
    expect(lives[0]!.isEnded).toBe(true)
  })
})
