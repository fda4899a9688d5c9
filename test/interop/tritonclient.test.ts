import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningProxy, startProxy } from '@sotto/client/proxy'
import { createManifest } from '../../packages/cli/src/models/manifest.ts'
import { echo } from '../../packages/enclave/test/api/kserve/graphs.ts'
import { listener } from '../../packages/enclave/test/api/kserve/listener.ts'
import { clientOf, startTestStack, type TestStack } from '../stack/support.ts'

/** A Python with `tritonclient[http]`. */
const PYTHON = process.env['SOTTO_TRITON_PYTHON']
if (PYTHON === undefined)
  process.stderr.write('skipped: no tritonclient here (set SOTTO_TRITON_PYTHON to a Python that has it)\n')

const ECHO = 'owner/echo'
const EARS = 'owner/ears'

/** Writes a model of one graph where a stack finds it. */
function writeModel(root: string, id: string, bytes: Uint8Array): void {
  const folder = join(root, id.replace('/', '-'))
  mkdirSync(folder, { recursive: true })
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const { text } = createManifest({
    id,
    task: 'tensors',
    engine: 'onnx',
    files: [{ name: 'model.onnx', sha256, size: bytes.length, role: 'weights' }],
  })
  writeFileSync(join(folder, 'manifest.json'), text)
  writeFileSync(join(folder, 'model.onnx'), bytes)
}

describe.skipIf(PYTHON === undefined)('tritonclient for Python, through the proxy to a whole stack', () => {
  let models: string
  let stack: TestStack
  let proxy: RunningProxy
  beforeAll(async () => {
    models = mkdtempSync(join(tmpdir(), 'sotto-tensors-'))
    writeModel(models, ECHO, echo())
    writeModel(models, EARS, listener())
    stack = await startTestStack({ extraModels: [models] })
    proxy = await startProxy({ sotto: await clientOf(stack), port: 0 })
  })
  afterAll(async () => {
    await proxy?.close()
    await stack?.close()
    rmSync(models, { recursive: true, force: true })
  })

  it('sends and gets every datatype, by binary data and by JSON', async () => {
    const script = join(import.meta.dirname, 'tritonclient_http.py')
    const words = [script, new URL(proxy.url).host, ECHO, EARS]
    const { stdout } = await promisify(execFile)(PYTHON!, words, { timeout: 60_000 })
    expect(stdout).toBe('ok\n')
  }, 90_000)
})
