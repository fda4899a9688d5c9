import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningStack } from '../../packages/cli/src/stack/running.ts'
import { CLUSTER } from '../../packages/cli/test/deploy/documents.ts'
import { type CommandDesk, openCommandDesk } from '../stack/commands.ts'

const SECRET = 'a key that only the app reads'
const LONG = 120_000

let desk: CommandDesk
let running: RunningStack

async function sotto(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const command = desk.sotto(args)
  const code = await command.ended
  return { code, ...command.output }
}

const urlOf = (role: string): string => running.roles.find(({ name }) => name === role)!.url

/** Renders for `compose`, sealing for the KMS of this machine. */
const deploy = (kms = urlOf('kms')): ReturnType<typeof sotto> =>
  sotto('deploy', '--target', 'compose', '-o', 'out', '--kms', kms, '--log', urlOf('log'))

/** Every file that was rendered, with its bytes. */
async function rendered(): Promise<Map<string, string>> {
  const paths = await readdir(join(desk.folder, 'out'), { recursive: true, withFileTypes: true })
  const files = paths.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(
    await Promise.all(files.sort().map(async (file) => [file, await readFile(file, 'base64')] as const)),
  )
}

const sealedIn = (files: ReadonlyMap<string, string>): string[] =>
  [...files.keys()].filter((path) => path.endsWith('.sealed'))

beforeAll(async () => {
  desk = await openCommandDesk()
  expect((await sotto('models', 'owner')).code).toBe(0)
  running = JSON.parse((await sotto('up', '-d', '--json')).stdout) as RunningStack
  await mkdir(join(desk.folder, 'app'))
  await writeFile(join(desk.folder, 'app', 'server.mjs'), '// an invention of the owner')
  await writeFile(join(desk.folder, 'key'), SECRET, { mode: 0o600 })
  const addresses = Object.fromEntries(
    ['log', 'kms', 'registry', 'inference', 'relay'].map((role, n) => [
      role,
      `http://${role}.internal:808${n}`,
    ]),
  )
  const file = {
    name: 'sealed',
    policy: running.policy,
    app: {
      code: './app',
      command: ['node', 'server.mjs'],
      sealed: true,
      secrets: { KEY: { file: './key' } },
    },
    cluster: { ...CLUSTER, addresses },
  }
  await writeFile(join(desk.folder, 'sotto.yaml'), JSON.stringify(file))
}, LONG)
afterAll(() => desk?.close())

describe('an app that is sealed for the KMS of a cluster', { timeout: LONG }, () => {
  let first: Map<string, string>

  it('lies there sealed only, and is accepted by that KMS', async () => {
    const { code, stderr } = await deploy()
    expect(code, stderr).toBe(0)
    first = await rendered()
    expect(sealedIn(first)).toHaveLength(2)
    for (const [path, bytes] of first) {
      const text = Buffer.from(bytes, 'base64').toString('latin1')
      expect(text.includes(SECRET) || text.includes('invention'), path).toBe(false)
    }
  })

  it('is the same deployment, to the byte, when it is rendered again', async () => {
    const { code, stderr } = await deploy()
    expect(code, stderr).toBe(0)
    expect(await rendered()).toEqual(first)
  })

  it('stays as it was where the KMS is not reached', async () => {
    const { code } = await deploy('http://127.0.0.1:9')
    expect(code).not.toBe(0)
    expect(await rendered()).toEqual(first)
  })

  it('is another one with another secret, of which nothing old is left', async () => {
    await writeFile(join(desk.folder, 'key'), `${SECRET}, and another`)
    expect((await deploy()).code).toBe(0)
    const second = await rendered()
    expect(sealedIn(second)).toHaveLength(2)
    expect(sealedIn(second).filter((path) => first.has(path))).toHaveLength(1)
  })
})
