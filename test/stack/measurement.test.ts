import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, type LaunchedRole } from '../../packages/cli/src/software-tee/launch.ts'
import { openMachine, type SoftwareMachine } from '../../packages/cli/src/software-tee/machine.ts'
import { claim } from '../claims.ts'
import { startTestStack, type TestStack } from './support.ts'

/** Flips one bit in the middle of a file. */
async function flip(file: string): Promise<void> {
  const bytes = await readFile(file)
  bytes[Math.floor(bytes.length / 2)]! ^= 1
  await writeFile(file, bytes)
}

describe('one flipped byte', () => {
  let stack: TestStack
  let machine: SoftwareMachine
  let config: string
  beforeAll(async () => {
    stack = await startTestStack()
    machine = await openMachine(join(stack.folder, 'keys', 'machine.json'))
    config = join(stack.folder, 'config', 'inference.json')
    await stack.roles.find(({ name }) => name === 'inference')!.stop()
  })
  afterAll(() => stack.close())

  const start = (
    image: string,
    configFile = config,
    env: Record<string, string> = {},
  ): Promise<LaunchedRole> =>
    launch({
      name: 'inference',
      machine,
      image,
      config: configFile,
      logFile: join(stack.folder, 'run', 'flip.log'),
      env,
    })

  /** A copy of the image: files are copied, because a link would flip the original too. */
  const copyImage = async (name: string): Promise<string> => {
    const image = join(stack.folder, name)
    await cp(stack.layout.image('inference'), image, { recursive: true })
    return image
  }

  it('is what makes the difference: the same image and configuration get keys again', async () => {
    const role = await start(await copyImage('unchanged'))
    await role.stop()
  })

  it.each([
    ['in the bundle', 'role.js'],
    ['in the engine bundle', 'engine.js'],
    [
      'in a native addon',
      'node_modules/onnxruntime-node/bin/napi-v6/linux/' + process.arch + '/onnxruntime_binding.node',
    ],
  ])(claim('T7', '%s stops key release'), async (_where, file) => {
    const image = await copyImage(`flipped-${file.replaceAll('/', '-')}`)
    const text = file.endsWith('.js') ? await readFile(join(image, file), 'utf8') : undefined
    // A byte that still runs: flipping code at random would prove that broken programs break.
    if (text) await writeFile(join(image, file), `${text} `)
    else await flip(join(image, file))
    await expect(start(image)).rejects.toMatchObject({
      code: 'ROLE_FAILED',
      found: expect.stringContaining('RELEASE_DENIED'),
    })
  })

  it(claim('T7', 'in the configuration stops key release'), async () => {
    const changed = join(stack.folder, 'config', 'changed.json')
    await writeFile(changed, `${await readFile(config, 'utf8')}\n`)
    await expect(start(await copyImage('same-image'), changed)).rejects.toMatchObject({
      code: 'ROLE_FAILED',
      found: expect.stringContaining('RELEASE_DENIED'),
    })
  })

  it(claim('T7', 'and NODE_OPTIONS are both refused before anything runs'), async () => {
    const image = stack.layout.image('inference')
    await expect(start(image, config, { NODE_OPTIONS: '--no-warnings' })).rejects.toMatchObject({
      found: expect.stringContaining('ROLE_UNSAFE'),
    })
  })

  it(claim('T10', 'or not: the launcher refuses an address beyond loopback'), async () => {
    const open = join(stack.folder, 'config', 'open.json')
    const value = JSON.parse(await readFile(config, 'utf8')) as { listen: { host: string } }
    value.listen.host = '0.0.0.0'
    await writeFile(open, JSON.stringify(value))
    await expect(start(stack.layout.image('inference'), open)).rejects.toMatchObject({
      code: 'SOFTWARE_TEE_NOT_LOOPBACK',
    })
  })
})

describe('a release image', () => {
  it(claim('T10', 'does not contain the software TEE'), async () => {
    const release = join(import.meta.dirname, '../../dist/images/release')
    for (const image of await readdir(release)) {
      for (const file of (await readdir(join(release, image))).filter((name) => name.endsWith('.js'))) {
        const text = await readFile(join(release, image, file), 'utf8')
        expect(text.includes('tee.sealing-key'), `${image}/${file}`).toBe(false)
        expect(text.includes('signSoftwareReport'), `${image}/${file}`).toBe(false)
      }
    }
  })
})
