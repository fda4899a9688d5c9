import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningProxy, startProxy } from '@sotto/client/proxy'
import { modelOwner } from '@sotto/client'
import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { clientOf, startTestStack, type TestStack } from '../stack/support.ts'

/** A Python with `httpx`. */
const PYTHON = process.env['SOTTO_HTTPX_PYTHON']
if (PYTHON === undefined)
  process.stderr.write('skipped: no httpx here (set SOTTO_HTTPX_PYTHON to a Python that has it)\n')

describe.skipIf(PYTHON === undefined)('plain Python, through the proxy of an owner to a whole stack', () => {
  const SECRET = toBase64Url(crypto.randomBytes(32))
  const owner = modelOwner(crypto.randomBytes(32))
  let stack: TestStack
  let proxy: RunningProxy
  beforeAll(async () => {
    stack = await startTestStack({ owner: owner.signer.publicKey })
    proxy = await startProxy({ sotto: await clientOf(stack), owner: { owner, secret: SECRET }, port: 0 })
  })
  afterAll(async () => {
    await proxy?.close()
    await stack?.close()
  })

  it('publishes, lists, uses and removes a model, and has its receipt', async () => {
    const weights = join(stack.layout.models, 'sotto-tiny-story-en', 'sotto-tiny-story-en.gguf')
    const script = join(import.meta.dirname, 'sealed_models.py')
    const { stdout } = await promisify(execFile)(PYTHON!, [script, proxy.url, weights], {
      timeout: 100_000,
      env: { ...process.env, SOTTO_OWNER_SECRET: SECRET },
    })
    expect(stdout).toBe('ok\n')
  }, 120_000)
})
