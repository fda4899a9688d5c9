import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RunningStack } from '../../packages/cli/src/stack/running.ts'
import { type Command, type CommandDesk, engineFolders, family, LONG, openCommandDesk } from './commands.ts'
import { childrenOf, isRunning } from './support.ts'

let desk: CommandDesk
let folder: string
beforeAll(async () => {
  desk = await openCommandDesk()
  folder = desk.folder
})
afterAll(() => desk.close())
const sotto: CommandDesk['sotto'] = (args, cwd) => desk.sotto(args, cwd)

describe('sotto up --models', () => {
  it.each([{ args: ['up'] }, { args: ['up', '-d'] }])(
    'refuses a malformed manifest before anything starts: $args',
    async ({ args }) => {
      const cwd = await mkdtemp(join(folder, 'models-'))
      await mkdir(join(cwd, 'models', 'mine'), { recursive: true })
      await writeFile(join(cwd, 'models', 'mine', 'manifest.json'), '{}')
      const up = sotto([...args, '--models', 'models'], cwd)
      expect(await up.ended).toBe(2)
      const file = join(cwd, 'models', 'mine', 'manifest.json')
      expect(up.output.stderr).toMatch(
        new RegExp(`^error: ${file}: a manifest is malformed \\[MODEL_INVALID\\]\n`),
      )
      expect(readdirSync(join(cwd, '.sotto'))).toEqual(['run'])
    },
  )
})

describe('a stack in the background', () => {
  const run = async (cwd: string, ...args: string[]): Promise<Command & { code: number | null }> => {
    const command = sotto(args, cwd)
    return { ...command, code: await command.ended }
  }
  const stateOf = (cwd: string): string[] =>
    readdirSync(join(cwd, '.sotto')).filter((name) => /stack|supervisor/.test(name))

  it('is stopped by sotto down while it still starts', { timeout: LONG }, async () => {
    const cwd = await mkdtemp(join(folder, 'starting-'))
    const up = sotto(['up', '-d'], cwd)
    const claimed = join(cwd, '.sotto', 'supervisor.pid')
    await vi.waitFor(() => expect(existsSync(claimed)).toBe(true), { timeout: LONG, interval: 5 })
    const { pid } = JSON.parse(readFileSync(claimed, 'utf8')) as { pid: number }
    await vi.waitFor(() => expect(family(pid).length).toBeGreaterThan(1), { timeout: LONG, interval: 20 })
    const processes = family(pid)
    const down = await run(cwd, 'down', '--json')
    expect([down.code, JSON.parse(down.output.stdout)]).toEqual([0, { stopped: [], wasStarting: true }])
    expect(processes.filter(isRunning)).toEqual([])
    expect(await up.ended).toBe(1)
    expect(up.output.stderr).toContain('error: the stack did not start [STACK_FAILED]')
    expect(stateOf(cwd)).toEqual([])
    expect((await run(cwd, 'down')).output.stderr).toContain('error: no stack runs here [STACK_NOT_RUNNING]')
  })

  it(
    'says everywhere which part of it has ended, and the next start tidies up',
    { timeout: 2 * LONG },
    async () => {
      const cwd = await mkdtemp(join(folder, 'wounded-'))
      const up = await run(cwd, 'up', '-d', '--json')
      expect(up.code, up.output.stderr).toBe(0)
      const { software, roles } = JSON.parse(up.output.stdout) as RunningStack
      expect([software, up.output.stderr.includes('warning: software TEE: ')]).toEqual([true, true])
      const { pid } = roles.find(({ name }) => name === 'inference')!
      const engines = engineFolders(childrenOf(pid))
      expect(engines.length).toBeGreaterThan(0)
      process.kill(pid, 'SIGKILL')
      const words = new RegExp(`inference \\(process ${pid}\\) ended at \\S+: killed by SIGKILL`)
      await vi.waitFor(() =>
        expect(readFileSync(join(cwd, '.sotto', 'stack.json'), 'utf8')).toContain('SIGKILL'),
      )

      const failures = await Promise.all([run(cwd, 'embed', 'x'), run(cwd, 'doctor'), run(cwd, 'up', '-d')])
      for (const { output, code } of failures) {
        expect(output.stdout + output.stderr).toMatch(words)
        expect(output.stdout + output.stderr).toContain('sotto down and then sotto up start it again')
        expect(code).not.toBe(0)
      }
      expect((await run(cwd, 'down')).code).toBe(0)
      // Another stack of this machine may tidy up at any time, so nothing is said of the folders here.
      const again = await run(cwd, 'up', '-d')
      expect(again.code, again.output.stderr).toBe(0)
      expect(engines.filter(existsSync)).toEqual([])
      expect((await run(cwd, 'doctor')).output.stdout).toMatch(/✓ local stack .*software TEE/)
      expect((await run(cwd, 'down')).code).toBe(0)
      expect(stateOf(cwd)).toEqual([])
    },
  )
})
