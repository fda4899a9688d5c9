import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { identityOf, type ProcessIdentity } from '../../src/process/index.ts'
import type { RunningStack } from '../../src/stack/running.ts'
import { RELAY } from '../../../client/test/support/service.ts'
import { createDesk, type Desk } from '../support/desk.ts'

const EARLIER = 'an earlier boot/1'
const ENDED = { at: '2026-11-28T02:33:00.000Z', reason: 'killed by SIGKILL' }

let desk: Desk
let other: ChildProcess
let otherIdentity: ProcessIdentity
beforeEach(async () => {
  desk = await createDesk()
  mkdirSync(join(desk.cwd, '.sotto', 'run'), { recursive: true })
  other = spawn('sleep', ['60'])
  otherIdentity = identityOf(other.pid!)!
})
afterEach(() => {
  other.kill('SIGKILL')
  desk.clear()
})

function note(supervisor: ProcessIdentity, ended: readonly string[] = []): void {
  const roles = ['log', 'inference', 'relay'].map((name, index) => ({
    name,
    pid: 900 + index,
    url: `http://127.0.0.1:${index + 1}`,
    ...(ended.includes(name) && { ended: ENDED }),
  }))
  const stack: RunningStack = {
    relay: RELAY,
    gateway: 'inference',
    policy: join(desk.cwd, 'policy.json'),
    software: true,
    supervisor: supervisor.pid,
    supervisorStarted: supervisor.started,
    state: join(desk.cwd, '.sotto'),
    roles,
  }
  desk.write('.sotto/stack.json', JSON.stringify(stack))
}
const claim = (holder: ProcessIdentity): void => desk.write('.sotto/supervisor.pid', JSON.stringify(holder))
const isThere = (name: string): boolean => existsSync(join(desk.cwd, '.sotto', name))
/** A command with the stack of the folder as its only target. */
const local = (...argv: string[]): ReturnType<Desk['sotto']> =>
  desk.sotto(argv, { env: { SOTTO_HOST: '', SOTTO_POLICY: '' } })

describe('sotto down', () => {
  it('leaves a process alone that got the number of one from before a power cut', async () => {
    note({ pid: other.pid!, started: EARLIER })
    claim({ pid: other.pid!, started: EARLIER })
    const { code, stderr } = await local('down')
    expect([code, stderr]).toEqual([
      2,
      'error: no stack runs here [STACK_NOT_RUNNING]\nhint: sotto up starts one in this directory\n',
    ])
    expect([other.exitCode, other.signalCode, isThere('stack.json')]).toEqual([null, null, false])
  })

  it('stops a stack that is still starting, and leaves nothing behind', async () => {
    claim(otherIdentity)
    const { code, stdout } = await local('down')
    expect([code, stdout]).toEqual([0, `stopped the stack that was starting (process ${other.pid})\n`])
    expect(identityOf(other.pid!)).toBe(undefined)
    expect(readdirSync(join(desk.cwd, '.sotto'))).toEqual(['run'])
  })

  it('stops a running stack with everything below it, also what does not end by itself', async () => {
    other.kill('SIGKILL')
    other = spawn('/bin/sh', ['-c', 'trap "exit 0" TERM; (trap "" TERM; sleep 60) & echo up; wait'])
    await new Promise((resolve) => other.stdout!.once('data', resolve))
    note(identityOf(other.pid!)!)
    claim(identityOf(other.pid!)!)
    const { code, stdout } = await local('down', '--json')
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      { stopped: ['log', 'inference', 'relay'], wasStarting: false },
    ])
    expect(identityOf(other.pid!)).toBe(undefined)
    expect(readdirSync(join(desk.cwd, '.sotto'))).toEqual(['run'])
  })
})

describe('sotto up', () => {
  it('says which part of the stack that runs already has ended', async () => {
    note(otherIdentity, ['inference'])
    const { code, stderr } = await local('up')
    expect([code, stderr]).toEqual([
      2,
      `error: a stack already runs here (process ${other.pid}), but not all of it [STACK_RUNNING]\n` +
        '  found:    inference (process 901) ended at 2026-11-28T02:33:00.000Z: killed by SIGKILL\n' +
        'hint: sotto down and then sotto up start it again\n',
    ])
  })

  it.each([['up'], ['up', '-d']])('%s %s refuses a second start while one is under way', async (...argv) => {
    claim(otherIdentity)
    const { code, stderr } = await local(...argv)
    expect([code, stderr]).toEqual([
      2,
      'error: a stack is already starting here [STACK_RUNNING]\nhint: wait for it, or run sotto down\n',
    ])
    expect(identityOf(other.pid!)).toEqual(otherIdentity)
  })
})

describe('sotto doctor', () => {
  const stackOf = async (): Promise<[number, unknown]> => {
    const { code, stdout } = await local('doctor', '--json')
    const { findings } = JSON.parse(stdout) as { findings: { name: string; status: string; found: string }[] }
    const { status, found } = findings.find(({ name }) => name === 'local stack')!
    return [code, { status, found }]
  }

  it('names the parts of the stack that have ended, and fails', async () => {
    note(otherIdentity, ['inference', 'relay'])
    expect(await stackOf()).toEqual([
      1,
      {
        status: 'broken',
        found:
          'inference (process 901) ended at 2026-11-28T02:33:00.000Z: killed by SIGKILL; ' +
          'relay (process 902) ended at 2026-11-28T02:33:00.000Z: killed by SIGKILL; ' +
          'sotto down and then sotto up start it again',
      },
    ])
  })

  it('says that the stack is gone', async () => {
    note({ pid: other.pid!, started: EARLIER })
    expect(await stackOf()).toEqual([
      1,
      {
        status: 'broken',
        found: `the stack is gone: its process ${other.pid} ended without sotto down; sotto up starts it again`,
      },
    ])
  })

  it('says that one is starting, runs, or is not there', async () => {
    expect(await stackOf()).toEqual([0, { status: 'absent', found: 'none here: start one with sotto up' }])
    claim(otherIdentity)
    expect(await stackOf()).toEqual([0, { status: 'absent', found: `still starting (process ${other.pid})` }])
    note(otherIdentity)
    const folder = join(desk.cwd, '.sotto')
    expect(await stackOf()).toEqual([
      0,
      { status: 'ok', found: `${RELAY} (software TEE, process ${other.pid}, ${folder})` },
    ])
  })
})

describe('a command that fails at the local stack', () => {
  const TROUBLE =
    'inference (process 901) ended at 2026-11-28T02:33:00.000Z: killed by SIGKILL; sotto down and then sotto up start it again'

  it.each([
    ['verify', ['verify'], 6],
    ['embed', ['embed', 'x', '-q'], 6],
  ])('hints at the part that has ended: %s', async (_, argv, expected) => {
    note(otherIdentity, ['inference'])
    desk.service.knobs.outer = () => new Response(null, { status: 502 })
    const { code, stderr } = await local(...argv)
    expect([code, stderr.trim().split('\n').at(-1)]).toEqual([expected, `hint: ${TROUBLE}`])
  })

  it('after it was verified, too', async () => {
    note(otherIdentity, ['inference'])
    desk.service.knobs.outer = (request) =>
      request.method === 'POST' ? new Response(null, { status: 502 }) : undefined
    const { code, stderr } = await local('embed', 'x', '-q', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stderr.trim().split('\n').at(-1)!)).toMatchObject({
      error: { code: 'RELAY_REFUSED', hint: TROUBLE },
    })
  })

  it('says so when the whole stack is gone', async () => {
    note({ pid: other.pid!, started: EARLIER })
    desk.service.knobs.outer = () => {
      throw new TypeError('connection refused')
    }
    const { stderr } = await local('verify')
    expect(stderr).toContain(
      `hint: the stack is gone: its process ${other.pid} ended without sotto down; sotto up starts it again\n`,
    )
  })

  it('or is answered all the same: verify says it too', async () => {
    note(otherIdentity, ['inference'])
    const { code, stderr } = await local('verify', '-q')
    expect([code, stderr.trim().split('\n').at(-1)]).toEqual([0, `warning: ${TROUBLE}`])
  })

  it('leaves the ordinary hint where the stack is whole, or not the target', async () => {
    desk.service.knobs.outer = () => new Response(null, { status: 502 })
    note(otherIdentity)
    expect((await local('verify')).stderr).toContain('hint: is the relay running?')
    note(otherIdentity, ['inference'])
    expect((await desk.sotto(['verify'])).stderr).toContain('hint: is the relay running?')
  })
})
