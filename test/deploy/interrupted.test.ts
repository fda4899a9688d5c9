import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RunningStack } from '../../packages/cli/src/stack/running.ts'
import { type Command, type CommandDesk, family, gone, openCommandDesk } from '../stack/commands.ts'
import { isRunning } from '../stack/support.ts'

const LONG = 120_000

let desk: CommandDesk
beforeAll(async () => {
  desk = await openCommandDesk()
})
afterAll(() => desk.close())

async function place(name: string, replicas = 1): Promise<string> {
  const folder = await mkdtemp(join(desk.folder, `${name}-`))
  const file = { name, models: ['sotto-hash-embed'], resources: { replicas } }
  await writeFile(join(folder, 'sotto.yaml'), JSON.stringify(file))
  return folder
}

async function run(folder: string, ...args: string[]): Promise<Command & { code: number | null }> {
  const command = desk.sotto(args, folder)
  return { ...command, code: await command.ended }
}

const noteOf = (folder: string): RunningStack =>
  JSON.parse(readFileSync(join(folder, '.sotto', 'stack.json'), 'utf8')) as RunningStack
const pidOf = (folder: string, role: string): number =>
  noteOf(folder).roles.find(({ name }) => name === role)!.pid

describe('a deployment that is disturbed', { timeout: LONG }, () => {
  it('by another deploy of the same folder at once is there all the same, once', async () => {
    const folder = await place('twice')
    const both = await Promise.all([run(folder, 'deploy'), run(folder, 'deploy')])
    const [won, lost] = both.toSorted((a, b) => Number(a.code) - Number(b.code))
    expect(won!.code, won!.output.stderr).toBe(0)
    expect([lost!.code, lost!.output.stderr]).toEqual([2, expect.stringContaining('STACK_RUNNING')])
    const { supervisor } = noteOf(folder)
    expect(isRunning(supervisor)).toBe(true)
    expect((await run(folder, 'status')).code).toBe(0)
    const file = { name: 'twice', models: ['sotto-hash-embed'], resources: { replicas: 2 } }
    await writeFile(join(folder, 'sotto.yaml'), JSON.stringify(file))
    const again = await Promise.all([run(folder, 'deploy'), run(folder, 'deploy')])
    expect(again.map(({ code }) => code).toSorted()).toEqual([0, 2])
    expect(noteOf(folder).roles.filter(({ name }) => name.startsWith('inference'))).toHaveLength(2)
    const processes = family(noteOf(folder).supervisor)
    expect((await run(folder, 'stop', '--delete', '--yes')).code).toBe(0)
    await gone(processes)
  })

  it('by Ctrl-C while it starts leaves nothing that runs, and goes on with the same keys', async () => {
    const folder = await place('interrupted')
    const deploy = desk.sotto(['deploy'], folder)
    const claim = join(folder, '.sotto', 'supervisor.pid')
    await vi.waitFor(() => expect(existsSync(claim)).toBe(true), { timeout: LONG, interval: 5 })
    const { pid } = JSON.parse(readFileSync(claim, 'utf8')) as { pid: number }
    await vi.waitFor(() => expect(family(pid).length).toBeGreaterThan(2), { timeout: LONG, interval: 20 })
    const processes = family(pid)
    process.kill(deploy.pid, 'SIGINT')
    expect(await deploy.ended).toBe(130)
    await gone(processes)
    expect(existsSync(join(folder, '.sotto', 'stack.json'))).toBe(false)
    const key = (): string => readFileSync(join(folder, '.sotto', 'keys', 'release'), 'utf8')
    const before = key()
    const again = await run(folder, 'deploy')
    expect(again.code, again.output.stderr).toBe(0)
    expect(key()).toBe(before)
    expect((await run(folder, 'stop', '--delete', '--yes')).code).toBe(0)
  })

  it('by Ctrl-C in the place of another leaves that one running again', async () => {
    const folder = await place('replaced')
    expect((await run(folder, 'deploy')).code).toBe(0)
    const before = noteOf(folder)
    const file = { name: 'replaced', models: ['sotto-hash-embed'], resources: { replicas: 2 } }
    await writeFile(join(folder, 'sotto.yaml'), JSON.stringify(file))
    const deploy = desk.sotto(['deploy'], folder)
    await deploy.printed(/starting replaced/)
    await gone(before.roles.map(({ pid }) => pid))
    process.kill(deploy.pid, 'SIGINT')
    expect(await deploy.ended).toBe(130)
    expect(deploy.output.stderr).toContain('what ran before runs again')
    expect(noteOf(folder).deployment).toEqual(before.deployment)
    expect((await run(folder, 'status')).code).toBe(0)
    expect((await run(folder, 'stop', '--delete', '--yes')).code).toBe(0)
  })

  it('by sotto stop while it takes the place of another ends both', async () => {
    const folder = await place('stopped')
    expect((await run(folder, 'deploy')).code).toBe(0)
    const before = noteOf(folder)
    const file = { name: 'stopped', models: ['sotto-hash-embed'], resources: { replicas: 2 } }
    await writeFile(join(folder, 'sotto.yaml'), JSON.stringify(file))
    const deploy = desk.sotto(['deploy'], folder)
    await deploy.printed(/starting stopped/)
    await gone(before.roles.map(({ pid }) => pid))
    const stop = await run(folder, 'stop', '--delete', '--yes')
    expect(stop.code, stop.output.stderr).toBe(0)
    expect(await deploy.ended).toBe(1)
    expect(deploy.output.stderr).not.toContain('again')
    expect(existsSync(join(folder, '.sotto'))).toBe(false)
  })

  it('in the foreground by a terminal that is closed ends, and is taken over', async () => {
    const folder = await place('closed')
    const foreground = desk.sotto(['deploy', '--foreground'], folder)
    await foreground.printed(/ready in /)
    const processes = family(foreground.pid)
    process.kill(foreground.pid, 'SIGHUP')
    expect(await foreground.ended).toBeNull()
    await gone(processes)
    const next = await run(folder, 'deploy')
    expect(next.code, next.output.stderr).toBe(0)
    expect((await run(folder, 'stop', '--delete', '--yes')).code).toBe(0)
  })

  it('starts its enclaves again on request; one that ended is named, and deploy brings all of it back', async () => {
    const folder = await place('again', 2)
    expect((await run(folder, 'deploy')).code).toBe(0)
    const before = noteOf(folder)
    const restarted = await run(folder, 'deploy', '--restart')
    expect([restarted.code, restarted.output.stdout]).toEqual([0, 'started again: inference, inference-2\n'])
    for (const { name, pid } of before.roles)
      expect(pidOf(folder, name) === pid, name).toBe(!name.startsWith('inference'))
    expect(noteOf(folder)).toMatchObject({ restarts: 1, supervisor: before.supervisor })
    expect((await run(folder, 'status')).code).toBe(0)

    process.kill(pidOf(folder, 'registry'), 'SIGKILL')
    await vi.waitFor(() => expect(JSON.stringify(noteOf(folder))).toContain('SIGKILL'))
    const status = await run(folder, 'status')
    expect([status.code, status.output.stderr]).toEqual([1, expect.stringMatching(/registry .* ended at/)])
    const back = await run(folder, 'deploy', '--json')
    expect(back.code, back.output.stderr).toBe(0)
    expect(JSON.parse(back.output.stdout)).toMatchObject({
      isUnchanged: false,
      deployment: before.deployment,
    })
    expect((await run(folder, 'status')).code).toBe(0)
    expect((await run(folder, 'stop', '--delete', '--yes')).code).toBe(0)
  })
})
