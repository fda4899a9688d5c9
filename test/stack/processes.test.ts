import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { connect } from '@sotto/client'
import { parseTrustPolicy } from '@sotto/verifier'
import type { RunningStack } from '../../packages/cli/src/stack/running.ts'
import { claim } from '../claims.ts'
import {
  type Command,
  type CommandDesk,
  engineFolders,
  family,
  gone,
  killGroup,
  LONG,
  openCommandDesk,
} from './commands.ts'
import { childrenOf, embed, isRunning } from './support.ts'

let desk: CommandDesk
let folder: string
beforeAll(async () => {
  desk = await openCommandDesk()
  folder = desk.folder
})
afterAll(() => desk.close())
const sotto: CommandDesk['sotto'] = (args, cwd) => desk.sotto(args, cwd)

const leftOver = (cwd: string): string[] => readdirSync(cwd).filter((name) => name.startsWith('sotto-'))

describe('sotto demo', () => {
  it.each([
    ['while it starts', 'starting the enclave'],
    ['while it works', 'summarising the letter'],
  ])('leaves no process and no folder after Ctrl-C %s', { timeout: LONG }, async (_when, line) => {
    const cwd = await mkdtemp(join(folder, 'interrupted-'))
    const demo = sotto(['demo'], cwd)
    await demo.printed(line)
    const processes = family(demo.pid)
    const engines = engineFolders(processes)
    expect(processes.length).toBeGreaterThan(3)
    expect(leftOver(cwd)).toHaveLength(1)
    // A terminal signals the whole group; npm and the bootstrap then pass it on once more.
    const at = performance.now()
    killGroup(demo.pid, 'SIGINT')
    setTimeout(() => demo.child.kill('SIGINT'), 50)
    expect(await demo.ended).toBe(130)
    expect(performance.now() - at).toBeLessThan(10_000)
    await gone(processes)
    expect(leftOver(cwd)).toEqual([])
    expect(engines.filter(existsSync)).toEqual([])
    expect(demo.output.stderr).toMatch(/interrupted/)
  })

  it('runs twice at the same time, and leaves nothing', { timeout: 2 * LONG }, async () => {
    const cwd = await mkdtemp(join(folder, 'two-'))
    const demos = [sotto(['demo', '--json'], cwd), sotto(['demo', '--json'], cwd)]
    const seen = await Promise.all(
      demos.map(async (demo) => {
        await demo.printed('chatting')
        return family(demo.pid)
      }),
    )
    const engines = engineFolders(seen.flat())
    expect(engines.length).toBeGreaterThan(0)
    for (const demo of demos) {
      expect(await demo.ended).toBe(0)
      expect(JSON.parse(demo.output.stdout)).toMatchObject({ ok: true, violations: [] })
    }
    await gone(seen.flat())
    expect(leftOver(cwd)).toEqual([])
    expect(engines.filter(existsSync)).toEqual([])
  })
})

describe('sotto up', () => {
  const running = (): RunningStack =>
    JSON.parse(readFileSync(join(folder, '.sotto', 'stack.json'), 'utf8')) as RunningStack
  const policy = (): string => readFileSync(join(folder, '.sotto', 'policy.json'), 'utf8')
  const pidOf = (name: string): number => running().roles.find((role) => role.name === name)!.pid
  const serves = async (): Promise<void> => {
    const client = await connect(running().relay, { policy: parseTrustPolicy(policy()) })
    const response = await embed(client, 'hello')
    await response.text()
    expect(response.status).toBe(200)
  }
  let up: Command
  let processes: number[]
  let firstPolicy: string

  it('keeps the stack running and says where', { timeout: LONG }, async () => {
    up = sotto(['up'])
    await up.printed(/ready in/)
    expect(up.output.stderr).toContain('warning: software TEE: ')
    processes = family(up.pid)
    firstPolicy = policy()
    for (const name of ['log', 'witness', 'kms', 'registry', 'inference', 'relay']) {
      expect(up.output.stdout).toContain(name)
      expect(processes).toContain(pidOf(name))
    }
    await serves()
  })

  it(claim('T19', 'runs each engine as a process with its own uid and no network'), ({ skip }) => {
    const gateway = pidOf('inference')
    const engines = childrenOf(gateway)
    expect(engines.length).toBeGreaterThan(1)
    const log = readFileSync(join(folder, '.sotto', 'run', 'inference.log'), 'utf8')
    if (!/"full":true/.test(log)) skip('this machine cannot give engines their own uid and no network')
    const uidOf = (pid: number): string =>
      /^Uid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]!
    const networkOf = (pid: number): string => readlinkSync(`/proc/${pid}/ns/net`)
    const uids = engines.map(uidOf)
    expect(new Set([...uids, uidOf(gateway)]).size).toBe(engines.length + 1)
    for (const uid of uids) expect(uid).not.toMatch(/\b0\b/)
    for (const pid of engines) {
      expect(networkOf(pid)).not.toBe(networkOf(gateway))
      // No interface but a loopback that is down, and no route.
      expect(readFileSync(`/proc/${pid}/net/route`, 'utf8').trim().split('\n')).toHaveLength(1)
      expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^NoNewPrivs:\s+1$/m)
    }
  })

  it(claim('T19', 'keeps engines and weights out of the process that holds the keys'), () => {
    expect(readFileSync(`/proc/${pidOf('inference')}/maps`, 'utf8')).not.toMatch(/onnxruntime|llama|ggml/)
    const maps = childrenOf(pidOf('inference')).map((pid) => readFileSync(`/proc/${pid}/maps`, 'utf8'))
    expect(maps.some((text) => text.includes('onnxruntime'))).toBe(true)
    expect(maps.some((text) => text.includes('llama'))).toBe(true)
  })

  it('refuses to start a second one in the same folder', { timeout: LONG }, async () => {
    const second = sotto(['up'])
    expect(await second.ended).not.toBe(0)
    expect(second.output.stderr).toMatch(/a stack already runs here/)
    await serves()
  })

  it('says which process died and why, and the others keep running', { timeout: LONG }, async () => {
    const witness = pidOf('witness')
    process.kill(witness, 'SIGKILL')
    await up.printed(`witness (process ${witness}) ended: killed by SIGKILL; the others keep running`)
    expect(
      running()
        .roles.filter(({ pid }) => !isRunning(pid))
        .map(({ name }) => name),
    ).toEqual(['witness'])
    await serves()
    await vi.waitFor(() =>
      expect(running().roles.find(({ name }) => name === 'witness')!.ended).toEqual({
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        reason: 'killed by SIGKILL',
      }),
    )
  })

  it('leaves no process when it is killed with -9', { timeout: LONG }, async () => {
    const engines = engineFolders(processes)
    expect(engines.length).toBeGreaterThan(0)
    process.kill(up.pid, 'SIGKILL')
    await up.ended
    await gone(processes)
    expect(engines.filter(existsSync)).toEqual([])
  })

  it('starts again in the background with the same keys, and down ends it', { timeout: LONG }, async () => {
    const detached = sotto(['up', '-d'])
    expect(await detached.ended, detached.output.stderr).toBe(0)
    expect(detached.output.stdout).toMatch(/ready/)
    expect(detached.output.stderr).toContain('warning: software TEE: ')
    expect(running().software).toBe(true)
    const all = family(running().supervisor)
    expect(all.length).toBeGreaterThan(6)
    expect(parseTrustPolicy(policy()).genesis).toBe(parseTrustPolicy(firstPolicy).genesis)
    await serves()
    const down = sotto(['down', '--json'])
    expect(await down.ended, down.output.stderr).toBe(0)
    expect(JSON.parse(down.output.stdout)).toEqual({
      stopped: ['witness', 'log', 'kms', 'registry', 'inference', 'relay'],
      wasStarting: false,
    })
    await gone(all)
    expect(existsSync(join(folder, '.sotto', 'stack.json'))).toBe(false)
    const again = sotto(['down'])
    expect(await again.ended).not.toBe(0)
    expect(again.output.stderr).toMatch(/no stack runs here/)
  })
})
