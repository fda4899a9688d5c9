import { execFileSync } from 'node:child_process'
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, type LaunchedRole } from '../../packages/cli/src/software-tee/launch.ts'
import { openMachine, type SoftwareMachine } from '../../packages/cli/src/software-tee/machine.ts'
import { claim } from '../claims.ts'
import { startTestStack, type TestStack } from './support.ts'

/** Flips one bit of a file: in the middle, or one of a text in it whose letters do not matter to what it does. */
async function flip(file: string, harmless?: string | RegExp): Promise<void> {
  const bytes = await readFile(file)
  const text = bytes.toString('latin1')
  const at =
    harmless === undefined
      ? Math.floor(bytes.length / 2)
      : typeof harmless === 'string'
        ? text.indexOf(harmless)
        : text.search(harmless)
  expect(at, `${String(harmless)} in ${file}`).toBeGreaterThan(0)
  bytes[at]! ^= 1
  // Another file under the same name: the image has links to the files of the stack.
  await writeFile(`${file}.new`, bytes, { mode: (await stat(file)).mode })
  await rename(`${file}.new`, file)
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

  /** The image the stack runs, in another folder. */
  const copyImage = (name: string): string => {
    const image = join(stack.folder, 'images', name)
    execFileSync('cp', ['-al', join(stack.folder, 'images', 'inference'), image])
    return image
  }

  it('is what makes the difference: the same image and configuration get keys again', async () => {
    const role = await start(copyImage('unchanged'))
    await role.stop()
  })

  // Bits that leave the program what it was, where it runs before it asks for keys: flipping code at random would
  // prove that broken programs break.
  it.each<[string, string, (string | RegExp)?]>([
    ['in the bundle', 'role.js', /packages\/enclave\/src\/roles\/run-inference\.ts$/m],
    ['in Node itself', 'bin/node', 'print V8 command line options'],
    ['in the engine bundle', 'engine.js'],
    ['in what confines engines', 'confine.js'],
    ['in the bridge of an app', 'bridge.js'],
    ['in what unpacks an app', 'unpack.js'],
    [
      'in the addon of ONNX Runtime',
      `node_modules/onnxruntime-node/bin/napi-v6/linux/${process.arch}/onnxruntime_binding.node`,
    ],
    [
      'in a library of ONNX Runtime',
      `node_modules/onnxruntime-node/bin/napi-v6/linux/${process.arch}/libonnxruntime.so.1`,
    ],
    [
      'in the addon of llama.cpp',
      `node_modules/@node-llama-cpp/linux-${process.arch}/bins/linux-${process.arch}/llama-addon.node`,
    ],
    ['in the data of an addon', 'node_modules/node-llama-cpp/llama/llama.cpp.info.json'],
  ])(claim('T7', '%s stops key release'), async (_where, file, harmless) => {
    const image = copyImage(`flipped-${file.replaceAll('/', '-')}`)
    await flip(join(image, file), harmless)
    await expect(start(image)).rejects.toMatchObject({
      code: 'ROLE_FAILED',
      found: expect.stringContaining('RELEASE_DENIED'),
    })
  })

  it(claim('T7', 'in the configuration stops key release'), async () => {
    const changed = join(stack.folder, 'config', 'changed.json')
    await writeFile(changed, await readFile(config))
    // A letter of the policy's name.
    await flip(changed, 'local stack on a software TEE')
    await expect(start(copyImage('same-image'), changed)).rejects.toMatchObject({
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
