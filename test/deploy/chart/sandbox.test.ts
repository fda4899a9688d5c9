/**
 * The capabilities that the chart gives an enclave, in a process of this machine that has no others: what engines and an own
 * app need to be kept apart, and nothing more.
 */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Container, isHelmMissing, podsOf, render, run } from './tools.ts'
import { SMALL, WHOLE } from './values.ts'

const FIXTURE = join(import.meta.dirname, 'fixtures/confine.ts')

/** What the fixture says it could do. */
interface Confined {
  engine: boolean
  app: string
  kill: boolean
}

async function confineWith(capabilities: readonly string[]): Promise<Confined> {
  const bounding = ['-all', ...capabilities.map((name) => `+${name.toLowerCase()}`)].join(',')
  const words = [
    '--bounding-set',
    bounding,
    '--inh-caps=-all',
    '--ambient-caps=-all',
    process.execPath,
    FIXTURE,
  ]
  const { stdout, stderr } = await run('setpriv', words)
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Confined
}

const ALL = ['SYS_ADMIN', 'SETUID', 'SETGID', 'SETPCAP', 'KILL', 'SYS_CHROOT', 'NET_ADMIN', 'DAC_OVERRIDE']

/** Whether somebody who has all of them can do it here. */
async function canConfine(): Promise<boolean> {
  if (isHelmMissing) return false
  const seen = process.getuid?.() === 0 ? await confineWith(ALL).catch(() => undefined) : undefined
  if (seen?.engine && seen.app === 'answers') return true
  process.stderr.write('skipped: this machine cannot tell which capabilities an enclave needs\n')
  return false
}

async function enclaveOf(values: object): Promise<{ container: Container; seccomp: unknown }> {
  const { spec } = podsOf(await render(values)).find(({ component }) => component === 'enclave')!
  return { container: spec.containers[0]!, seccomp: spec.securityContext['seccompProfile'] }
}

describe.skipIf(!(await canConfine()))('the capabilities of an enclave', () => {
  it('are what engines need, each of them, where there is no app', async () => {
    const { container, seccomp } = await enclaveOf(SMALL)
    const { add } = container.securityContext.capabilities
    expect(add).toEqual(['KILL', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_ADMIN'])
    expect(seccomp).toEqual({ type: 'RuntimeDefault' })
    expect(await confineWith(add!)).toMatchObject({ engine: true, kill: true })
    for (const one of add!) {
      const { engine, kill } = await confineWith(add!.filter((name) => name !== one))
      expect(engine && kill, one).toBe(false)
    }
  })

  it('are three more for an own app, each of them', async () => {
    const { container, seccomp } = await enclaveOf(WHOLE)
    const { add } = container.securityContext.capabilities
    expect(add).toEqual([
      'DAC_OVERRIDE',
      'KILL',
      'NET_ADMIN',
      'SETGID',
      'SETPCAP',
      'SETUID',
      'SYS_ADMIN',
      'SYS_CHROOT',
    ])
    expect(seccomp).toEqual({ type: 'Unconfined' })
    expect(await confineWith(add!)).toEqual({ engine: true, kill: true, app: 'answers' })
    for (const one of ['DAC_OVERRIDE', 'NET_ADMIN', 'SYS_CHROOT'])
      expect((await confineWith(add!.filter((name) => name !== one))).app, one).not.toBe('answers')
  })
})
