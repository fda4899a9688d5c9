import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { imageDigest } from '@sotto/protocol/measurement'
import type { ByteBudget } from '../../../src/ram/byte-budget.ts'
import { createAnswerBudget, Upstream, type UpstreamConfig } from '../../../src/engines/upstream/index.ts'
import { readApiKey } from '../../../src/engines/upstream/api-key.ts'
import { codeOf } from '../host/fake-model.ts'
import { type FakeServer, json, startFake } from './fake-server.ts'

const KEY = 'sk-between-enclave-and-sidecar'
const MIB = 2 ** 20
let directory: string
let keyFile: string
let server: FakeServer
let config: UpstreamConfig

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sotto-sidecar-'))
  keyFile = join(directory, 'key')
  writeFileSync(keyFile, `${KEY}\n`, { mode: 0o600 })
  mkdirSync(join(directory, 'weights'))
  writeFileSync(join(directory, 'weights/model.bin'), 'weights', { mode: 0o644 })
  const sha256 = createHash('sha256').update('weights').digest('hex')
  server = await startFake((seen, response) => {
    if (seen.route === 'GET /v2') return json(response, { extensions: ['binary_tensor_data'] })
    return json(response, { name: 'm', inputs: [], outputs: [] })
  })
  config = {
    id: 'house/m',
    kind: 'kserve',
    task: 'tensors',
    url: server.url,
    model: 'm',
    weights: {
      directory: join(directory, 'weights'),
      sha256: imageDigest([{ path: 'model.bin', mode: 0o644, sha256 }]),
    },
    prefixCache: undefined,
    responseCache: 'none',
    apiKeyFile: undefined,
    concurrency: 8,
  }
})
afterEach(async () => {
  await server.close()
  rmSync(directory, { recursive: true })
})

const refusalOf = (path: string): unknown => {
  try {
    return readApiKey(path)
  } catch (error) {
    return error
  }
}

describe('the key of a model server', () => {
  it('is sent with every request, and another one from when it is in the file', async () => {
    const upstream = await Upstream.open({ ...config, apiKeyFile: keyFile }, { timeoutMs: 0 })
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(
      server.seen.map(() => `Bearer ${KEY}`),
    )
    writeFileSync(keyFile, 'another')
    await upstream.infer({ inputs: [] }).catch(() => undefined)
    expect(server.seen.at(-1)!.headers.authorization).toBe('Bearer another')
    const without = await Upstream.open(config, { timeoutMs: 0 })
    expect(server.seen.at(-1)!.headers.authorization).toBeUndefined()
    upstream.close()
    without.close()
  })

  it('is in no error, of a file that is refused or of a server that refuses it', async () => {
    server.answer = (_, response) => json(response, { error: `wrong key ${KEY}` }, 401)
    const error = await Upstream.open({ ...config, apiKeyFile: keyFile }, { timeoutMs: 0 }).catch(
      (cause: unknown) => cause as Error,
    )
    chmodSync(keyFile, 0o640)
    const told = [error, (error as Error).cause, refusalOf(keyFile)]
    for (const one of told) {
      expect(one).toMatchObject({ name: 'SottoError' })
      expect(JSON.stringify(one) + String(one)).not.toContain('sk-between')
    }
  })

  it.each<[string, (path: string) => void]>([
    ['that others may read', (path) => chmodSync(path, 0o604)],
    ['that its group may read', (path) => chmodSync(path, 0o640)],
    ['that is empty', (path) => writeFileSync(path, '')],
    ['of two lines', (path) => writeFileSync(path, `${KEY}\nx\n`)],
    ['with a blank', (path) => writeFileSync(path, 'a b')],
    ['that would end the header', (path) => writeFileSync(path, 'a\r\nx: y')],
    ['of other than printable characters', (path) => writeFileSync(path, 'schl\u00fcssel')],
    ['that is too long', (path) => writeFileSync(path, 'x'.repeat(5000))],
    ['that is not there', (path) => rmSync(path)],
    ['that is a folder', (path) => (rmSync(path), mkdirSync(path, { mode: 0o700 }))],
  ])('is not taken from a file %s', async (_, change) => {
    change(keyFile)
    expect(refusalOf(keyFile)).toMatchObject({ code: 'ENGINE_LOAD_FAILED' })
    expect(await codeOf(Upstream.open({ ...config, apiKeyFile: keyFile }, { timeoutMs: 0 }))).toBe(
      'ENGINE_LOAD_FAILED',
    )
    expect(server.seen).toEqual([])
  })
})

describe('the key of a model server, from a pipe', () => {
  it('is not waited for, which would stop the whole process', () => {
    rmSync(keyFile)
    execFileSync('mkfifo', ['-m', '600', keyFile])
    const source = new URL('../../../src/engines/upstream/api-key.ts', import.meta.url).href
    const script = `const { readApiKey } = await import(process.argv[1])
      try { readApiKey(process.argv[2]) } catch (error) { console.log(error.code, error.found) }`
    const { stdout, signal } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', script, source, keyFile],
      { encoding: 'utf8', timeout: 20_000 },
    )
    expect({ signal, stdout }).toEqual({ signal: null, stdout: 'ENGINE_LOAD_FAILED no plain file\n' })
  }, 30_000)
})

const isRoot = process.geteuid!() === 0
if (!isRoot) process.stderr.write('skipped: only root can give a file to another user\n')

describe.skipIf(!isRoot)('the key of a model server, for root', () => {
  it('is not taken from a file of another user, who could change it', () => {
    chownSync(keyFile, 65_534, 65_534)
    expect(refusalOf(keyFile)).toMatchObject({ code: 'ENGINE_LOAD_FAILED', found: 'one of another user' })
  })
})

describe('memory for the answers of model servers', () => {
  /** An answer of so many bytes: JSON, then raw data; `hasLength` says whether its size is stated. */
  function answerOf(bytes: number, hasLength: boolean, isWhole = true): FakeServer['answer'] {
    return (seen, response) => {
      if (!seen.route.endsWith('/infer'))
        return json(
          response,
          seen.route === 'GET /v2' ? { extensions: ['binary_tensor_data'] } : { name: 'm' },
        )
      const output = { name: 'y', datatype: 'UINT8', shape: [bytes], parameters: { binary_data_size: bytes } }
      const head = Buffer.from(JSON.stringify({ outputs: [output] }))
      response.writeHead(200, {
        'inference-header-content-length': `${head.length}`,
        ...(hasLength && { 'content-length': head.length + bytes }),
      })
      response.write(head)
      response.write(Buffer.alloc(isWhole ? bytes : bytes >> 1, 7))
      if (isWhole) response.end()
    }
  }
  const isFree = (budget: ByteBudget, bytes: number): boolean => {
    try {
      budget.take(bytes)()
      return true
    } catch {
      return false
    }
  }

  it.each([true, false])(
    'is taken before it is allocated, and free afterwards (length stated: %s)',
    async (hasLength) => {
      server.answer = answerOf(4 * MIB, hasLength)
      const budget = createAnswerBudget(9 * MIB)
      const upstream = await Upstream.open(config, { timeoutMs: 0, budget })
      for (let i = 0; i < 3; i++) {
        const [output] = await upstream.infer({ inputs: [] })
        expect([output!.data.length, output!.data.every((byte) => byte === 7)]).toEqual([4 * MIB, true])
      }
      // All of it is there again.
      budget.take(9 * MIB)()
      server.answer = answerOf(10 * MIB, hasLength)
      expect(await codeOf(upstream.infer({ inputs: [] }))).toBe('ENGINE_BUSY')
      budget.take(9 * MIB)()
      upstream.close()
    },
  )

  it('is shared by all servers: whoever sends slowly holds what it has, and gives it back when it is gone', async () => {
    server.answer = answerOf(6 * MIB, true, false)
    const budget = createAnswerBudget(9 * MIB)
    const [one, two] = await Promise.all([1, 2].map(() => Upstream.open(config, { timeoutMs: 0, budget })))
    const leaving = new AbortController()
    const slow = codeOf(one!.infer({ inputs: [] }, leaving.signal))
    await expect.poll(() => isFree(budget, 4 * MIB)).toBe(false)
    expect(await codeOf(two!.infer({ inputs: [] }))).toBe('ENGINE_BUSY')
    leaving.abort()
    expect(await slow).toBe('ENGINE_CANCELLED')
    server.answer = answerOf(6 * MIB, true)
    expect(await two!.infer({ inputs: [] })).toHaveLength(1)
    one!.close()
    two!.close()
  })

  it('is not taken twice for tensors: they are written and read as they lie there', async () => {
    server.answer = answerOf(MIB, true)
    const upstream = await Upstream.open(config, { timeoutMs: 0 })
    const data = Uint8Array.from({ length: MIB }, (_, at) => at)
    const [output] = await upstream.infer({ inputs: [{ name: 'x', datatype: 'UINT8', shape: [MIB], data }] })
    // A view of the whole answer.
    expect(output!.data.byteOffset).toBeGreaterThan(0)
    expect(output!.data.buffer.byteLength).toBe(output!.data.byteOffset + MIB)
    const sent = server.seen.at(-1)!
    expect(createHash('sha256').update(sent.body.subarray(-MIB)).digest('hex')).toBe(
      createHash('sha256').update(data).digest('hex'),
    )
    upstream.close()
  })
})
