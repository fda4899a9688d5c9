import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Sotto } from '@sotto/client'
import { findLayout } from '../../packages/cli/src/stack/layout.ts'
import { putInPlace } from '../../scripts/build.ts'
import { claim } from '../claims.ts'
import { chat, childrenOf, clientOf, embed, startTestStack, type TestStack } from './support.ts'

/** An engine is known by the size of its model's first file, which it holds open as descriptor 4. */
const ENGINES = { embedding: 'sotto-hash-embed', summary: 'sotto-extractive', chat: 'sotto-tiny-story-en' }
const LLAMA = `node_modules/@node-llama-cpp/linux-${process.arch}/bins/linux-${process.arch}/llama-addon.node`

let stack: TestStack
let sotto: Sotto
/** A checkout of our own, whose build can be replaced. */
let checkout: string

beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'sotto-checkout-'))
  const built = findLayout(import.meta.url)
  execFileSync('cp', ['-al', built.dist, join(checkout, 'dist')])
  symlinkSync(built.models, join(checkout, 'models'))
  stack = await startTestStack({ layout: findLayout(`file://${checkout}/dist/cli/sotto.js`) })
  sotto = await clientOf(stack)
})
afterAll(async () => {
  await stack?.close()
  rmSync(checkout, { recursive: true })
})

const image = (path: string): string => join(stack.folder, 'images', 'inference', path)
const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

/** Puts other bytes in the place of a file, as a build does: what has it open keeps the old ones. */
function replace(file: string, bytes: string | Buffer): void {
  writeFileSync(`${file}.new`, bytes, { mode: statSync(file).mode })
  renameSync(`${file}.new`, file)
}

function flip(file: string): void {
  const bytes = readFileSync(file)
  bytes[Math.floor(bytes.length / 2)]! ^= 1
  replace(file, bytes)
}

function pidOf(engine: keyof typeof ENGINES): number | undefined {
  const { files } = JSON.parse(
    readFileSync(join(stack.layout.models, ENGINES[engine], 'manifest.json'), 'utf8'),
  ) as { files: { size: number }[] }
  const gateway = stack.roles.find(({ name }) => name === 'inference')!
  return childrenOf(gateway.pid).find(
    // One that ends meanwhile has no descriptors.
    (pid) => statSync(`/proc/${pid}/fd/4`, { throwIfNoEntry: false })?.size === files[0]!.size,
  )
}

/** Ends an engine from outside, as a crash would, and waits until it runs again. */
async function endAndAwait(engine: keyof typeof ENGINES): Promise<void> {
  const before = pidOf(engine)!
  process.kill(before, 'SIGKILL')
  await vi.waitFor(() => expect([undefined, before]).not.toContain(pidOf(engine)), { timeout: 20_000 })
}

/** What the enclave logged about engines it gave up. */
const reports = (): Record<string, string>[] =>
  readFileSync(join(stack.folder, 'run', 'inference.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"engine-failed"'))
    .map((line) => JSON.parse(line) as Record<string, string>)

/** Ends an engine and waits until the enclave has given it up. */
async function endForGood(engine: keyof typeof ENGINES): Promise<void> {
  const before = reports().length
  process.kill(pidOf(engine)!, 'SIGKILL')
  await vi.waitFor(() => expect(reports()).toHaveLength(before + 1), { timeout: 20_000 })
}

const codeOf = async (response: Response): Promise<string> => {
  const text = await response.text()
  return response.ok
    ? 'ok'
    : `${response.status} ${(JSON.parse(text) as { error: { code: string } }).error.code}`
}

const summarize = (): Promise<Response> =>
  sotto.fetch(`${sotto.baseURL}/summaries`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input: 'The mill is closed. Nobody knows why. The river is high.' }),
  })

describe('a running stack', { timeout: 60_000 }, () => {
  it('has in each engine the native libraries of that engine, and no others', () => {
    const libraries = (engine: keyof typeof ENGINES): string[] => [
      ...new Set(
        readFileSync(`/proc/${pidOf(engine)!}/maps`, 'utf8').match(/onnxruntime|llama-addon/g) ?? [],
      ),
    ]
    expect({
      chat: libraries('chat'),
      summary: libraries('summary'),
      embedding: libraries('embedding'),
    }).toEqual({ chat: ['llama-addon'], summary: [], embedding: [] })
  })

  it(claim('T7', 'goes on with the bytes it was measured with when the product is built anew'), async () => {
    const before = sha256(image('engine.js'))
    const staging = join(checkout, 'staging')
    execFileSync('cp', ['-al', stack.layout.dist, staging])
    // Bytes that never answer: whoever runs them does not come back.
    replace(join(staging, 'images/software/inference/engine.js'), 'process.exit(7)\n')
    putInPlace(staging, stack.layout.dist)
    expect(sha256(join(stack.layout.image('inference'), 'engine.js'))).not.toBe(before)

    await endAndAwait('embedding')
    await endAndAwait('chat')
    expect(sha256(image('engine.js'))).toBe(before)
    expect(await codeOf(await embed(sotto, 'hello'))).toBe('ok')
    expect(await codeOf(await chat(sotto, 'hello'))).toBe('ok')
    expect((await clientOf(stack)).trust.ok).toBe(true)
  })

  it(claim('T7', 'loads no module from the folders above its image'), async () => {
    // `debug`, which node-llama-cpp brings along, tries this one; nothing in the image has it.
    const planted = join(stack.folder, 'images', 'node_modules', 'supports-color', 'index.js')
    mkdirSync(dirname(planted), { recursive: true })
    writeFileSync(planted, 'process.exit(7)\n')
    await endAndAwait('summary')
    expect(await codeOf(await summarize())).toBe('ok')
  })

  it(claim('T7', 'does not start an engine from a bundle with one flipped bit'), async () => {
    const [path, expected] = [image('engine.js'), sha256(image('engine.js'))]
    const bytes = readFileSync(path)
    flip(path)
    const found = sha256(path)
    await endForGood('embedding')
    expect(reports().at(-1)).toMatchObject({ code: 'ENGINE_PROGRAM_CHANGED', expected, found })
    expect(pidOf('embedding')).toBeUndefined()
    expect(await codeOf(await embed(sotto, 'hello'))).toBe('503 engine_program_changed')
    // The others were started from what was measured, and go on.
    expect(await codeOf(await chat(sotto, 'hello'))).toBe('ok')
    expect(await codeOf(await summarize())).toBe('ok')
    replace(path, bytes)
  })

  it(claim('T7', 'does not start an engine from an addon with one flipped bit'), async () => {
    const expected = sha256(image(LLAMA))
    flip(image(LLAMA))
    await endForGood('chat')
    const found = sha256(image(LLAMA))
    expect(reports().at(-1)).toMatchObject({ code: 'ENGINE_PROGRAM_CHANGED', expected, found })
    expect(await codeOf(await chat(sotto, 'hello'))).toBe('503 engine_program_changed')
    expect(await codeOf(await summarize())).toBe('ok')
  })

  it('leaves nothing of its images behind when it stops', async () => {
    await stack.stop()
    expect(() => statSync(join(stack.folder, 'images'))).toThrow('ENOENT')
  })
})
