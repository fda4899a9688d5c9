import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { imageDigest } from '@sotto/protocol/measurement'
import { claim } from '../../../../../test/claims.ts'
import { Upstream } from '../../../src/engines/upstream/index.ts'
import { codeOf } from '../host/fake-model.ts'
import { collect } from '../real-engines.ts'
import { testdata, testdataMissing } from '../testdata.ts'

/** A real llama-server, however it is linked; `node scripts/llama-sidecar.ts` builds one in a minute. */
const SERVER = process.env['SOTTO_LLAMA_SIDECAR'] || process.env['SOTTO_LLAMA_SERVER'] || undefined
const skipped = SERVER === undefined || testdataMissing() !== undefined
const SECRET = 'Once upon a time Sebastian hid the red key under the third stone of the garden wall. '
const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const GREEDY = { temperature: 0 }

describe.skipIf(skipped)('a llama-server beside the enclave', () => {
  let directory: string
  let server: ChildProcess
  let upstream: Upstream

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sotto-upstream-'))
    const bytes = testdata('llm/stories260K-f32.gguf')
    writeFileSync(join(directory, 'model.gguf'), bytes)
    chmodSync(join(directory, 'model.gguf'), 0o444)
    const port = await freePort()
    // As an operator would: with the caches it comes with.
    server = spawn(
      SERVER!,
      [
        '-m',
        join(directory, 'model.gguf'),
        '-a',
        'stories',
        '--port',
        `${port}`,
        '--parallel',
        '1',
        '-c',
        '512',
        '-t',
        '1',
      ],
      { stdio: 'ignore' },
    )
    upstream = await Upstream.open(
      {
        id: 'house/stories',
        kind: 'openai',
        task: 'text-generation',
        url: `http://127.0.0.1:${port}`,
        model: 'stories',
        weights: {
          directory,
          sha256: imageDigest([{ path: 'model.gguf', mode: 0o444, sha256: sha256Of(bytes) }]),
        },
        prefixCache: 'cache_prompt',
        responseCache: undefined,
        apiKeyFile: undefined,
        concurrency: 2,
      },
      { timeoutMs: 60_000 },
    )
  }, 120_000)
  afterAll(() => {
    server?.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })

  it('answers completions and chats', async () => {
    const { text, done } = await collect(
      upstream.generate({ prompt: 'Once upon a time', sampling: GREEDY, maxTokens: 8 }),
    )
    expect(text).toBe(', there was a little girl')
    expect(done).toMatchObject({ finishReason: 'length', usage: { outputTokens: 8 } })
    const messages = [{ role: 'user', content: 'Hello' }] as const
    expect(
      (await collect(upstream.generate({ messages, sampling: GREEDY, maxTokens: 8 }))).done,
    ).toMatchObject({ finishReason: 'length' })
  })

  it(claim('T19', 'is told to use nothing of one prompt for another, and does not'), async () => {
    const ask = async (): Promise<number | undefined> => {
      const salted = {
        prompt: SECRET,
        sampling: GREEDY,
        maxTokens: 4,
        cacheSalt: randomBytes(16).toString('hex'),
      }
      return (await collect(upstream.generate(salted))).done!.usage.cachedInputTokens
    }
    expect([await ask(), await ask(), await ask()]).toEqual([0, 0, 0])
  })

  it('names what it refuses', async () => {
    expect(await codeOf(collect(upstream.generate({ prompt: 'word '.repeat(900) })))).toBe(
      'ENGINE_CONTEXT_OVERFLOW',
    )
  })

  it('is missed when it is gone', async () => {
    server.kill('SIGKILL')
    await new Promise((resolve) => server.once('exit', resolve))
    expect(await codeOf(collect(upstream.generate({ prompt: 'a' })))).toBe('ENGINE_CRASHED')
    expect(upstream.isReady).toBe(false)
  })
})

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return port
}
