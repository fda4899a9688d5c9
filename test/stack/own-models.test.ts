import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { RunningStack } from '../../packages/cli/src/stack/running.ts'
import { findLayout } from '../../packages/cli/src/stack/layout.ts'
import { claim } from '../claims.ts'
import { type CommandDesk, LONG, openCommandDesk } from './commands.ts'

const MODEL = join(findLayout(import.meta.url).models, 'sotto-tiny-story-en')
let desk: CommandDesk
let registry: RunningStack['roles'][number]

/** Runs a command to its end. */
async function sotto(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const command = desk.sotto(args)
  const code = await command.ended
  return { code, ...command.output }
}

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await sotto(...args, '--json')
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as T
}

interface Published {
  id: string
  statement: { model: string; digest: string; bytes: number }
}

beforeAll(async () => {
  desk = await openCommandDesk()
  const { roles } = await json<RunningStack>('up', '-d')
  registry = roles.find(({ name }) => name === 'registry')!
}, 2 * LONG)
afterAll(() => desk?.close())

const store = (...path: string[]): string => join(desk.folder, '.sotto', 'store', 'registry', ...path)
const parts = (): string[] => readdirSync(store('uploads'))
const blobOf = (digest: string): string => store('blobs', digest.slice(0, 2), digest)

it(
  claim(
    ['models.sealed', 'models.owner', 'models.removal'],
    'seals, pushes, uses and removes a model of its own, and keeps a receipt that names it',
  ),
  { timeout: 3 * LONG },
  async () => {
    const { tag } = await json<{ tag: string }>('models', 'owner')
    expect(statSync(join(desk.folder, '.config', 'sotto', 'owner.key')).mode & 0o777).toBe(0o600)
    const sealed = await json<{ model: string }>(
      'models',
      'seal',
      MODEL,
      '--out',
      'story.sealed',
      '--name',
      'story',
    )
    const { id, statement } = await json<Published>('models', 'push', 'story.sealed', '--name', 'story')
    expect([id, statement.model]).toEqual([`${tag}/story:1`, sealed.model])

    const chat = await sotto(
      'chat',
      '--model',
      `${tag}/story`,
      '--temperature',
      '0',
      '-m',
      'Once upon a time',
      '--receipt',
      'receipt.json',
    )
    expect(chat.code, chat.stderr).toBe(0)
    expect(chat.stdout.length).toBeGreaterThan(10)
    const receipt = await json<{ ok: boolean; receipt: { model: string } }>(
      'receipt',
      'verify',
      'receipt.json',
    )
    expect(receipt).toMatchObject({ ok: true, receipt: { model: statement.model } })
    expect((await sotto('models', 'ls', '--remote')).stdout).toContain(`${tag}/story:1`)
    expect(
      (await sotto('log', 'entry', String((await json<{ index: number }>('models', 'show', 'story')).index)))
        .stdout,
    ).toContain(`${tag}/story:1`)

    const stranger = await sotto('models', 'push', MODEL, '--name', 'story', '--owner', 'stranger.key')
    expect([stranger.code, stranger.stdout]).toEqual([2, ''])
    expect(stranger.stderr).toContain('REGISTRY_OWNER')
    expect((await sotto('models', 'rm', `${tag}/story`, '--yes', '--owner', 'stranger.key')).code).toBe(2)

    const removed = await sotto('models', 'rm', 'story', '--yes')
    expect(removed.stdout).toMatch(
      /^removed every version of story: log entry \d+, 1 content key destroyed\n$/,
    )
    const after = await sotto('chat', '--model', `${tag}/story`, '-m', 'Once')
    expect([after.code, after.stdout]).toEqual([2, ''])
    expect(after.stderr).toContain('its owner removed this model')
    expect(readdirSync(store('blobs')).flatMap((prefix) => readdirSync(store('blobs', prefix)))).toEqual([])
  },
)

it(
  'goes on with a seal that Ctrl-C ended, and with a push that was killed',
  { timeout: 3 * LONG },
  async () => {
    writeFileSync(join(desk.folder, 'large.onnx'), randomBytes(160 * 1024 * 1024))
    const part = join(desk.folder, 'large.sealed.part')
    const seal = desk.sotto(['models', 'seal', 'large.onnx'])
    await vi.waitFor(() => expect(statSync(part).size).toBeGreaterThan(8e6), { timeout: LONG, interval: 2 })
    process.kill(seal.pid, 'SIGINT')
    expect(await seal.ended).toBe(130)
    const kept = statSync(part).size
    const { resumed } = await json<{ resumed: number }>('models', 'seal', 'large.onnx')
    expect(resumed).toBeGreaterThanOrEqual(Math.floor(kept / 262_160) - 1)

    const push = desk.sotto(['models', 'push', 'large.sealed'])
    await vi.waitFor(
      () => expect(parts().map((name) => statSync(store('uploads', name)).size > 16e6)).toEqual([true]),
      { timeout: LONG, interval: 5 },
    )
    process.kill(push.pid, 'SIGKILL')
    await push.ended
    const [name] = parts()
    const { ino, size } = statSync(store('uploads', name!))
    const { statement } = await json<Published>('models', 'push', 'large.sealed')
    // The very file that the first push began is the one in place.
    expect(size).toBeLessThan(statement.bytes)
    expect(statSync(blobOf(statement.digest)).ino).toBe(ino)
    expect(
      readFileSync(blobOf(statement.digest)).equals(readFileSync(join(desk.folder, 'large.sealed'))),
    ).toBe(true)
  },
)

it('two pushes of one model at once are one upload and one version', { timeout: 3 * LONG }, async () => {
  writeFileSync(join(desk.folder, 'twice.onnx'), randomBytes(48 * 1024 * 1024))
  const both = await Promise.all([1, 2].map(() => json<Published>('models', 'push', 'twice.onnx')))
  expect(both[0]).toEqual(both[1])
  expect(both[0]!.id).toMatch(/\/twice:1$/)
  expect(parts()).toEqual([])
})

it(
  'the registry was killed meanwhile: the push says so, and the other models are served on',
  { timeout: 3 * LONG },
  async () => {
    writeFileSync(join(desk.folder, 'third.onnx'), randomBytes(1024))
    process.kill(registry.pid, 'SIGKILL')
    const push = await sotto('models', 'push', 'third.onnx')
    expect(push.code).not.toBe(0)
    expect(push.stderr).toMatch(/^error: the service answered: .*registry/m)
    expect((await sotto('chat', '-m', 'Hello')).code).toBe(0)
  },
)
