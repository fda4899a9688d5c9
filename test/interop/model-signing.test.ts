import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modelsSign } from '../../packages/cli/src/commands/models/sign.ts'
import { modelsVerifySignature } from '../../packages/cli/src/commands/models/verify-signature.ts'
import { runInMemory, type RunResult } from '../../packages/cli/test/support/memory-io.ts'

/** The reference implementation, where it is installed: `pip install model-signing pyOpenSSL`. */
const TOOL = process.env['SOTTO_MODEL_SIGNING'] ?? 'model_signing'
const isInstalled = spawnSync(TOOL, ['--version']).status === 0
if (!isInstalled)
  process.stderr.write('skipped: no model_signing here (set SOTTO_MODEL_SIGNING to the reference tool)\n')

let cwd: string
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-oms-'))
  mkdirSync(join(cwd, 'model/a-b'), { recursive: true })
  mkdirSync(join(cwd, 'model/a'))
  // Orders that differ: by bytes of the path, and by its segments.
  for (const file of ['a/z', 'a-b/y', 'a.b', 'Z', 'empty', 'é'])
    writeFileSync(join(cwd, 'model', file), file === 'empty' ? '' : file)
})
afterAll(() => rmSync(cwd, { recursive: true }))

const sotto = (...argv: string[]): Promise<RunResult> =>
  runInMemory([modelsSign, modelsVerifySignature], ['models', ...argv], { cwd, nowMs: Date.now })
const reference = (...argv: string[]): { status: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(TOOL, argv, { cwd, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

describe.skipIf(!isInstalled).each(['P-256', 'P-384', 'P-521'])(
  'the reference implementation, on %s',
  (namedCurve) => {
    beforeAll(() => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
      writeFileSync(join(cwd, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
      writeFileSync(join(cwd, 'key.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }))
    })

    it('verifies what is signed here, and notices a change', async () => {
      expect(await sotto('sign', 'model', '--key', 'key.pem')).toMatchObject({ code: 0 })
      const verify = [
        'verify',
        'key',
        'model',
        '--signature',
        'model/model.sig',
        '--public_key',
        'key.pub.pem',
      ]
      expect(reference(...verify)).toMatchObject({
        status: 0,
        output: expect.stringContaining('succeeded') as string,
      })
      writeFileSync(join(cwd, 'model/new'), 'x')
      expect(reference(...verify).status).toBe(1)
      rmSync(join(cwd, 'model/new'))
      rmSync(join(cwd, 'model/model.sig'))
    })

    it('signs what is verified here, and a change is noticed', async () => {
      const sign = ['sign', 'key', 'model', '--signature', 'ref.sig', '--private_key', 'key.pem']
      expect(reference(...sign)).toMatchObject({ status: 0 })
      const verify = ['verify-signature', 'model', '--signature', 'ref.sig', '--key', 'key.pub.pem']
      expect(await sotto(...verify)).toMatchObject({ code: 0, stderr: '' })
      writeFileSync(join(cwd, 'model/Z'), 'z')
      expect(await sotto(...verify)).toMatchObject({
        code: 3,
        stdout: expect.stringContaining('✗ changed  Z\n') as string,
      })
      writeFileSync(join(cwd, 'model/Z'), 'Z')
    })
  },
)
