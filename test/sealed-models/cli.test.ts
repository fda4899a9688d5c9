import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commands } from '../../packages/cli/src/commands/index.ts'
import { runInMemory, type RunResult } from '../../packages/cli/test/support/memory-io.ts'
import { RELAY } from '../../packages/client/test/support/service.ts'
import { claim } from '../claims.ts'
import { deploy, type Deployment } from './deployment.ts'

const MARK = 'weights that nobody else reads '
let deployment: Deployment
let cwd: string

beforeEach(async () => {
  deployment = await deploy()
  cwd = mkdtempSync(join(tmpdir(), 'sotto-owner-'))
  writeFileSync(join(cwd, 'policy.json'), JSON.stringify(deployment.service.world.policy))
  writeFileSync(join(cwd, 'notes.gguf'), MARK.repeat(50_000))
})
afterEach(() => rmSync(cwd, { recursive: true }))

const sotto = (
  argv: string[],
  options: { signal?: AbortSignal; env?: Record<string, string> } = {},
): Promise<RunResult> =>
  runInMemory(commands, argv, {
    cwd,
    fetch: deployment.service.fetch,
    nowMs: () => deployment.service.world.now * 1000,
    ...(options.signal && { signal: options.signal }),
    env: {
      SOTTO_HOST: RELAY,
      SOTTO_POLICY: 'policy.json',
      SOTTO_CONFIG_DIR: join(cwd, 'config'),
      ...options.env,
    },
  })

async function admitMe(): Promise<string> {
  const { key, tag } = JSON.parse((await sotto(['models', 'owner', '--json'])).stdout) as {
    key: string
    tag: string
  }
  deployment.admit([{ key }])
  return tag
}

it(claim('models.sealed', 'seals, pushes, lists, shows and removes a model of its own'), async () => {
  const tag = await admitMe()
  expect(statSync(join(cwd, 'config', 'owner.key')).mode & 0o777).toBe(0o600)
  const sealed = await sotto(['models', 'seal', 'notes.gguf'])
  expect(sealed).toMatchObject({ code: 0 })
  expect(sealed.stdout).toMatch(
    /^notes\.sealed {2}text-generation \(gguf\), 1\.5 MiB, artifact [0-9a-f]{32}\nowner {3}[a-z2-7]{24}\ndigest {2}[0-9a-f]{64}\n$/,
  )
  expect(readFileSync(join(cwd, 'notes.sealed')).includes(MARK)).toBe(false)
  expect(existsSync(join(cwd, 'notes.sealed.part'))).toBe(false)

  const pushed = await sotto(['models', 'push', 'notes.sealed'])
  expect(pushed.stderr).toContain(`use it: sotto chat --model ${tag}/notes`)
  expect(pushed).toMatchObject({ code: 0 })
  expect(pushed.stdout).toMatch(new RegExp(`^${tag}/notes:1 {2}text-generation, 1\\.5 MiB, log entry \\d+\n`))
  const listed = await sotto(['models', 'ls', '--remote'])
  expect(listed.stdout).toMatch(
    new RegExp(`^${tag}/notes:1 {2}text-generation {2}1\\.5 MiB {2}[0-9a-f]{64}\n$`),
  )
  const shown = await sotto(['models', 'show', 'notes', '--json'])
  expect(JSON.parse(shown.stdout)).toMatchObject({
    id: `${tag}/notes:1`,
    statement: { task: 'text-generation' },
  })
  const removed = await sotto(['models', 'rm', 'notes', '--yes'])
  expect(removed.stdout).toMatch(/^removed every version of notes: log entry \d+, 1 content key destroyed\n$/)
  expect(deployment.keys.size).toBe(0)
  expect(await sotto(['models', 'show', 'notes'])).toMatchObject({ code: 2, stdout: '' })
  const again = await sotto(['models', 'ls', '--remote', '--json'])
  expect(JSON.parse(again.stdout)).toEqual({ owner: tag, models: [] })
})

it('pushes a folder without keeping a sealed copy', async () => {
  const tag = await admitMe()
  mkdirSync(join(cwd, 'detector'))
  writeFileSync(join(cwd, 'detector', 'model.onnx'), MARK.repeat(100))
  writeFileSync(join(cwd, 'detector', 'README.md'), 'not a file of the model')
  const pushed = await sotto(['models', 'push', 'detector', '--json', '--expires', '2027-01-01T00:00:00Z'])
  expect(JSON.parse(pushed.stdout)).toMatchObject({
    id: `${tag}/detector:1`,
    statement: { task: 'tensors', expiresAt: 1_798_761_600 },
  })
  expect(existsSync(join(cwd, 'detector.sealed'))).toBe(false)
})

it('goes on sealing where it was interrupted, with the same bytes', async () => {
  await admitMe()
  writeFileSync(join(cwd, 'large.gguf'), MARK.repeat(200_000))
  const controller = new AbortController()
  const { signal } = controller
  let asked = 0
  // 95 pieces are hashed, then sealed: in the middle of that.
  signal.throwIfAborted = () => {
    if (++asked === 140) controller.abort()
    AbortSignal.prototype.throwIfAborted.call(signal)
  }
  expect((await sotto(['models', 'seal', 'large.gguf'], { signal })).code).toBe(130)
  const part = join(cwd, 'large.sealed.part')
  const before = readFileSync(part)
  expect(before.length).toBeGreaterThan(1_000_000)
  // What was being written when the power went is no whole chunk.
  writeFileSync(part, before.subarray(0, -100))
  const second = await sotto(['models', 'seal', 'large.gguf', '--json'])
  const { resumed, sealed } = JSON.parse(second.stdout) as { resumed: number; sealed: string }
  expect(resumed).toBeGreaterThan(2)
  expect(readFileSync(sealed).subarray(0, before.length).equals(before)).toBe(true)
  expect((await sotto(['models', 'push', 'large.sealed'])).code).toBe(0)
})

it('begins anew where what was left is of another model, and never seals two under one key', async () => {
  await sotto(['models', 'seal', 'notes.gguf', '--out', 'x.sealed'])
  const old = readFileSync(join(cwd, 'x.sealed'))
  rmSync(join(cwd, 'x.sealed'))
  writeFileSync(join(cwd, 'x.sealed.part'), old.subarray(0, 700_000))
  writeFileSync(join(cwd, 'notes.gguf'), MARK.toUpperCase().repeat(50_000))
  const { resumed } = JSON.parse(
    (await sotto(['models', 'seal', 'notes.gguf', '--out', 'x.sealed', '--json'])).stdout,
  ) as {
    resumed: number
  }
  expect(resumed).toBe(0)
  expect(readFileSync(join(cwd, 'x.sealed')).subarray(0, 200).equals(old.subarray(0, 200))).toBe(false)
})

it('leaves nothing where the files are not those of the manifest', async () => {
  mkdirSync(join(cwd, 'm'))
  writeFileSync(join(cwd, 'm', 'a.gguf'), 'abc')
  const manifest = {
    format: 'sotto-model/1',
    id: 'm',
    task: 'text-generation',
    engine: 'gguf',
    files: [{ name: 'a.gguf', sha256: 'ab'.repeat(32), size: 3, role: 'weights' }],
  }
  const { modelDigest } = await import('@sotto/protocol/model-manifest')
  writeFileSync(
    join(cwd, 'm', 'manifest.json'),
    JSON.stringify({ ...manifest, digest: modelDigest(manifest as never) }),
  )
  const result = await sotto(['models', 'seal', 'm'])
  expect(result).toMatchObject({ code: 2, stdout: '' })
  expect(result.stderr).toContain('error: a.gguf is not the file of the manifest')
  expect([existsSync(join(cwd, 'm.sealed')), existsSync(join(cwd, 'm.sealed.part'))]).toEqual([false, false])
})

describe('another owner', () => {
  it('can push, list under its name, or remove nothing of this one', async () => {
    const tag = await admitMe()
    await sotto(['models', 'seal', 'notes.gguf'])
    await sotto(['models', 'push', 'notes.sealed'])
    const other = { env: { SOTTO_OWNER: join(cwd, 'other.key') } }
    const { key } = JSON.parse((await sotto(['models', 'owner', '--json'], other)).stdout) as { key: string }
    const pushed = await sotto(['models', 'push', 'notes.sealed'], other)
    expect(pushed).toMatchObject({ code: 2, stdout: '' })
    expect(pushed.stderr).toContain('error: another owner sealed this model')
    const refused = await sotto(['models', 'push', 'notes.gguf'], other)
    expect(refused.stderr).toContain('hint: ask the operator to admit your owner key')
    deployment.admit([{ key }])
    expect((await sotto(['models', 'rm', `${tag}/notes`, '--yes'], other)).stderr).toContain(
      'error: only its owner removes a model',
    )
    expect((await sotto(['models', 'rm', 'notes', '--yes'], other)).code).toBe(2)
    expect((await sotto(['models', 'show', `${tag}/notes`], other)).code).toBe(0)
    expect((await sotto(['models', 'ls', '--remote', '--of', tag], other)).stdout).toContain(`${tag}/notes:1`)
    expect(deployment.keys.size).toBe(1)
  })
})

it('keeps the policy of its owner beside the sealed file, and the import carries it', async () => {
  await admitMe()
  const policy = {
    anyOf: [
      { name: 'mine', role: 'inference', allOf: [{ family: 'software', measurement: 'ab'.repeat(48) }] },
    ],
    evidenceMaxAgeSeconds: 600,
  }
  writeFileSync(join(cwd, 'mine.json'), JSON.stringify(policy))
  expect((await sotto(['models', 'seal', 'notes.gguf', '--policy', 'mine.json'])).code).toBe(0)
  await sotto(['models', 'push', 'notes.sealed'])
  const [held] = deployment.keys.values()
  expect(held!.import.ownerPolicy).toMatchObject({
    ...policy,
    genesis: deployment.service.world.genesisDigest,
  })
  writeFileSync(join(cwd, 'bad.json'), JSON.stringify({ ...policy, anyOf: [] }))
  expect(
    (await sotto(['models', 'seal', 'notes.gguf', '--policy', 'bad.json', '--out', 'y.sealed'])).code,
  ).toBe(2)
  expect(existsSync(join(cwd, 'y.sealed'))).toBe(false)
})

it.each([
  [
    'a file of another kind of key',
    '-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n',
    0o600,
    'is not the key of an owner',
  ],
  ['a key that others can read', '', 0o644, 'others may read'],
])('is no owner by %s', async (_, text, mode, message) => {
  const file = join(cwd, 'wrong.key')
  writeFileSync(file, text, { mode })
  const result = await sotto(['models', 'owner', '--owner', 'wrong.key'])
  expect([result.code, result.stdout]).toEqual([2, ''])
  expect(result.stderr).toContain(message)
})
