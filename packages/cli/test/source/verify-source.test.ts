import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { fakeSigner } from '@sotto/testkit'
import { createDesk, type Desk } from '../support/desk.ts'
import type { RunResult, WorldOptions } from '../support/memory-io.ts'
import { entriesOf, writeCheckout, writeRelease } from './checkout.ts'

let desk: Desk
let checkout: string
beforeEach(async () => {
  desk = await createDesk()
  checkout = join(desk.cwd, 'checkout')
  writeCheckout(checkout)
})
afterEach(() => desk.clear())

const run = (args: string[], options: WorldOptions = {}): Promise<RunResult> =>
  desk.sotto(['verify', '--source', 'checkout', ...args], {
    ...options,
    env: { PATH: process.env['PATH']!, ...options.env },
  })
const release = (
  ...rest: Parameters<typeof writeRelease> extends [string, ...infer Rest] ? Rest : never
): string => writeRelease(join(desk.cwd, 'published'), ...rest)
const ran = (): { args: string[]; env: Record<string, string>; place: string } =>
  JSON.parse(readFileSync(join(checkout, 'ran.json'), 'utf8')) as never
const signer = (): ReturnType<typeof fakeSigner> => desk.service.world.signers.release

describe('sotto verify --source --release', () => {
  it('ticks every role that the checkout builds, and leaves nothing behind', async () => {
    const file = release(signer(), {
      kms: entriesOf('kms'),
      inference: entriesOf('inference'),
      room: entriesOf('room'),
    })
    const { code, stdout, stderr } = await run(['--release', file, '--yes'])
    expect(stdout).toContain('✓ source.kms.measurement     required  This source builds kms 1.2.3\n')
    expect(stdout).toContain('✓ source.inference.release   required  A pinned release key signed')
    expect(stdout).toContain('✓ source.room.measurement    required  This source builds room 1.2.3\n')
    expect(stdout).toMatch(/\nthe source builds exactly what is released\n$/)
    expect(stderr).toContain('warning: rebuilding runs the build of')
    expect(code).toBe(0)
    expect(existsSync(ran().place)).toBe(false)
  })

  it('names the first file that differs, with the digests, and exits 5', async () => {
    const file = release(signer(), { kms: entriesOf('kms', 'another program') })
    const { code, stdout } = await run(['--release', file, '--yes', '--json'])
    expect(code).toBe(5)
    const { ok, steps } = JSON.parse(stdout) as { ok: boolean; steps: Record<string, string>[] }
    expect(ok).toBe(false)
    expect(steps.find(({ name }) => name === 'source.kms.measurement')).toMatchObject({
      status: 'fail',
      reason: 'the source builds another image: role.js has other bytes',
      expected: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      found: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    })
  })

  it('does not believe a manifest that is not the signed one', async () => {
    const file = release(signer(), { kms: entriesOf('kms', 'another program') })
    writeFileSync(join(desk.cwd, 'published/kms/manifest'), 'sotto-image-manifest-v1\n')
    const { code, stdout } = await run(['--release', file, '--yes'])
    expect(code).toBe(5)
    expect(stdout).toContain('no manifest is here to say which file')
  })

  it.each([
    ['a key that the policy does not name', () => fakeSigner(), {}, /not signed by enough accepted keys/],
    ['nobody', () => undefined, {}, /the build was not signed/],
  ])('builds nothing of a release signed by %s, and exits 3', async (_who, by, change, why) => {
    const file = release(by(), { kms: entriesOf('kms') }, change)
    const { code, stdout } = await run(['--release', file, '--yes'])
    expect(stdout).toMatch(why)
    expect(code).toBe(3)
    expect(existsSync(join(checkout, 'ran.json'))).toBe(false)
  })

  it('builds nothing when the statement is about another image than the file says', async () => {
    const file = release(signer(), { kms: entriesOf('kms') })
    const text = readFileSync(file, 'utf8')
    const digest = /"measurement": "([0-9a-f]{64})"/.exec(text)![1]!
    writeFileSync(file, text.replace(digest, '0'.repeat(64)))
    const { code, stdout } = await run(['--release', file, '--yes'])
    expect(stdout).toContain('the signed statement is about another image')
    expect(code).toBe(3)
    expect(existsSync(join(checkout, 'ran.json'))).toBe(false)
  })

  it('runs nothing before it is allowed to', async () => {
    const file = release(signer(), { kms: entriesOf('kms') })
    const { code, stderr } = await run(['--release', file])
    expect(code).toBe(2)
    expect(stderr).toContain('--yes')
    expect(existsSync(join(checkout, 'ran.json'))).toBe(false)
  })

  it('gives the build no environment but paths and proxies', async () => {
    const file = release(signer(), { kms: entriesOf('kms') })
    await run(['--release', file, '--yes'], {
      env: { HF_TOKEN: 'hf_secret', NODE_OPTIONS: '--require=/x.js' },
    })
    expect(Object.keys(ran().env).sort()).toEqual(['HOME', 'LC_ALL', 'PATH'])
    expect(ran().args).toEqual([
      'release:build',
      '--images-only',
      '--out',
      ran().place,
      '--software',
      '--role',
      'kms',
    ])
  })

  it('says why a build fails, and removes its folder', async () => {
    writeCheckout(checkout, "console.error('no such module'); process.exit(4)")
    const file = release(signer(), { kms: entriesOf('kms') })
    const { code, stderr } = await run(['--release', file, '--yes'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/does not build: exit code 4/)
    expect(stderr).toContain('no such module')
    expect(existsSync(ran().place)).toBe(false)
  })

  it('does not measure a link that a build made', async () => {
    writeCheckout(
      checkout,
      "const { symlinkSync } = await import('node:fs'); mkdirSync(join(place, 'kms/image'), { recursive: true }); symlinkSync('/etc/passwd', join(place, 'kms/image/data'))",
    )
    const file = release(signer(), { kms: entriesOf('kms') })
    const { stderr } = await run(['--release', file, '--yes'])
    expect(stderr).toContain('data is neither a file nor a directory')
  })

  it('ends the build and all it started when it is interrupted', async () => {
    writeCheckout(
      checkout,
      `const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
       writeFileSync(${JSON.stringify(join(checkout, 'pid'))}, String(child.pid))
       setInterval(() => {}, 1000)
       await new Promise(() => {})`,
    )
    const file = release(signer(), { kms: entriesOf('kms') })
    const controller = new AbortController()
    const running = run(['--release', file, '--yes'], { signal: controller.signal })
    await expect.poll(() => existsSync(join(checkout, 'pid'))).toBe(true)
    controller.abort()
    expect((await running).code).toBe(130)
    const pid = readFileSync(join(checkout, 'pid'), 'utf8')
    await expect.poll(() => isAlive(pid)).toBe(false)
    expect(existsSync(ran().place)).toBe(false)
  })

  it('refuses a folder that is no checkout, and both kinds of target', async () => {
    const file = release(signer(), { kms: entriesOf('kms') })
    writeFileSync(join(checkout, 'package.json'), '{"name":"other"}')
    expect(await run(['--release', file, '--yes'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no checkout of Sotto') as string,
    })
    expect((await run(['bundle.json', '--release', file])).stderr).toContain('two things to compare with')
    expect((await desk.sotto(['verify', '--release', file])).stderr).toContain('--release needs --source')
  })
})

describe('sotto verify --source', () => {
  it('compares with the releases of a running service, after the whole verdict', async () => {
    const { code, stdout } = await run(['--yes'])
    // The world's images are not what the checkout builds.
    expect(stdout).toContain('✓ kms.measurement')
    expect(stdout).toMatch(/✗ source\.kms\.measurement .*\n {4}why: the source builds another image/)
    expect(stdout).toMatch(/expected: (a1){32}\n/)
    expect(code).toBe(5)
  })

  it('compares with a saved trust bundle', async () => {
    desk.write('bundle.json', encodeTrustBundle(desk.service.world.bundle))
    const { code, stdout } = await run(['bundle.json', '--yes'])
    expect(stdout).toMatch(/✗ source\.inference\.measurement/)
    expect(code).toBe(5)
  })

  it('builds nothing for a service that is refused', async () => {
    const { policy } = desk.service.world
    desk.write('policy.json', JSON.stringify({ ...policy, minSecurityVersion: { kms: 9, inference: 1 } }))
    const { code } = await run(['--yes'])
    expect(code).toBe(5)
    expect(existsSync(join(checkout, 'ran.json'))).toBe(false)
  })
})

function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
