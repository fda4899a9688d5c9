import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fixtureBytes } from '../../../enclave/test/engines/fixtures/read.ts'
import { partName } from '../../src/models/part-file.ts'
import { identityOf } from '../../src/process/index.ts'
import { cwd, errorOf, graph, hub, path, pull, pulled, sotto, useHub } from './pulls.ts'

useHub()

const GRAPH = 'onnx/decoder_model_merged.onnx'
const part = partName({ digest: { kind: 'sha256', hex: createHash('sha256').update(graph).digest('hex') } })

describe('a pull that goes wrong', () => {
  it('goes on where the connection was cut', async () => {
    hub.knobs.cut = { path: GRAPH, after: 40_000, times: 1 }
    await pulled('tiny/bart')
    expect(hub.served.filter((entry) => entry.startsWith(GRAPH))).toEqual([GRAPH, `${GRAPH} bytes=40000-`])
  })

  it('starts over when the hub knows no ranges', async () => {
    Object.assign(hub.knobs, { cut: { path: GRAPH, after: 40_000, times: 1 }, ignoresRange: true })
    await pulled('tiny/bart')
    expect(readFileSync(path('tiny--bart', 'decoder_model_merged.onnx')).equals(graph)).toBe(true)
  })

  it('keeps what it has when interrupted, and resumes it the next time', async () => {
    hub.knobs.hang = { path: GRAPH, after: 50_000 }
    const interrupt = new AbortController()
    const running = sotto(['models', 'pull', 'tiny/bart', '--dir', 'models', '--json'], {
      signal: interrupt.signal,
    })
    const file = path('.partial', 'tiny--bart', part)
    while (!existsSync(file) || readFileSync(file).length < 50_000)
      await new Promise((done) => setTimeout(done, 5))
    interrupt.abort()
    expect((await running).code).toBe(130)
    expect(existsSync(path('tiny--bart'))).toBe(false)
    expect((await sotto(['models', 'ls', '--dir', 'models'])).stderr).toContain('interrupted: tiny--bart')

    delete hub.knobs.hang
    hub.served.length = 0
    await pulled('tiny/bart')
    expect(hub.served).toEqual([`${GRAPH} bytes=50000-`])
    expect(readFileSync(path('tiny--bart', 'decoder_model_merged.onnx')).equals(graph)).toBe(true)
  })

  it('refuses bytes the listing does not name, keeps none of them, and recovers', async () => {
    const bytes = graph.slice()
    bytes[1000]! ^= 1
    hub.knobs.lie = { path: GRAPH, bytes }
    const result = await pull('tiny/bart', '--json', '-q')
    expect([result.code, errorOf(result)['code']]).toEqual([3, 'CLI_MODEL_DIGEST'])
    expect(existsSync(path('.partial', 'tiny--bart', part))).toBe(false)
    expect(existsSync(path('tiny--bart'))).toBe(false)
    delete hub.knobs.lie
    await pulled('tiny/bart')
  })

  it.each(['config.json', 'tokenizer.json'])(
    'refuses a changed %s, which is not stored by LFS',
    async (name) => {
      const bytes = fixtureBytes('bart', name)
      bytes[5]! ^= 1
      hub.knobs.lie = { path: name, bytes }
      expect(errorOf(await pull('tiny/bart', '--json', '-q'))).toMatchObject({ code: 'CLI_MODEL_DIGEST' })
    },
  )

  it('refuses more bytes than are listed', async () => {
    hub.knobs.lie = { path: GRAPH, bytes: Buffer.concat([graph, graph]) }
    expect(errorOf(await pull('tiny/bart', '--json', '-q'))).toMatchObject({
      code: 'CLI_MODEL_DIGEST',
      message: expect.stringContaining('longer'),
    })
  })

  it('says that the disk is full, and goes on when it no longer is', async () => {
    mkdirSync(path('.partial', 'tiny--bart'), { recursive: true })
    symlinkSync('/dev/full', path('.partial', 'tiny--bart', part))
    const result = await pull('tiny/bart', '--json', '-q')
    expect(result.code).toBe(2)
    expect(errorOf(result)).toMatchObject({ code: 'CLI_FILE', message: 'the disk is full' })
    rmSync(path('.partial', 'tiny--bart', part))
    await pulled('tiny/bart')
  })

  it('says so when the folder cannot be written', async () => {
    writeFileSync(join(cwd, 'models'), '')
    expect(errorOf(await pull('tiny/bart', '--json'))).toMatchObject({ code: 'CLI_FILE' })
  })

  it('waits its turn while another process pulls the same model', async () => {
    mkdirSync(path('.partial', 'tiny--bart'), { recursive: true })
    const lock = path('.partial', 'tiny--bart', '.lock')
    writeFileSync(lock, JSON.stringify(identityOf(process.ppid)))
    const result = await pull('tiny/bart', '--json')
    expect([result.code, errorOf(result)['code']]).toEqual([8, 'CLI_PENDING'])
    // What a power cut leaves: the number is another process's now.
    writeFileSync(lock, JSON.stringify({ pid: process.ppid, started: 'an earlier boot/1' }))
    await pulled('tiny/bart')
  })

  it.each([
    [404, 2, 'CLI_MODEL', 'check owner'],
    [401, 4, 'CLI_AUTH', 'HF_TOKEN'],
    [500, 1, 'CLI_HUB', 'pull again'],
  ])('status %i is exit code %i, %s', async (status, exit, code, hint) => {
    hub.knobs.status = status
    const result = await pull('tiny/bart', '--json')
    expect(result.code).toBe(exit)
    expect(errorOf(result)).toMatchObject({ code, hint: expect.stringContaining(hint) })
  })

  it('names the default models when there is no network', async () => {
    hub.close()
    const result = await pull('tiny/bart')
    expect(result.code).toBe(1)
    expect(result.stderr).toMatch(
      /error: cannot reach 127.0.0.1:\d+ \[CLI_HUB\]\nhint: .*the default models need neither: sotto up/,
    )
  })

  it.each([
    ['no name', ['a b']],
    ['a way out of the hub', ['../../x']],
    ['two revisions', ['a/b@c@d']],
    ['a digest that is none', ['a/b', '--digest', 'abc']],
    ['a name no model can have', ['a/b', '--name', 'Ä']],
    ['a hub in clear text', ['a/b', '--hub', 'http://hub.example']],
    ['a hub that is no address', ['a/b', '--hub', 'hub']],
    ['a hub with a password', ['a/b', '--hub', 'https://me:secret@hub.example']],
  ])('%s is a usage error and asks nobody', async (_, args) => {
    const result = await sotto(['models', 'pull', ...args, '--json'], {
      fetch: () => Promise.reject(new Error('asked')),
    })
    expect([result.code, errorOf(result)['code']]).toEqual([2, 'CLI_USAGE'])
    expect(result.stderr).not.toContain('secret')
  })
})
