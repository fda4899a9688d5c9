import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { modelsVerifySignature } from '../../../src/commands/models/verify-signature.ts'
import { PUBLIC_GOOD_ROOT } from '../../../../../scripts/vectors/oms-public-good.ts'
import { vectorRoot } from '../../../../../scripts/vectors/testing.ts'
import { certify, rootFile, signKeyless } from '../../../../protocol/test/oms/fake-sigstore.ts'
import { runInMemory, type RunResult } from '../../support/memory-io.ts'

let cwd: string
const put = (path: string, content: string | Uint8Array): void => writeFileSync(join(cwd, path), content)
/** Years after everything that was signed has expired: what counts is when the log took it in. */
const verify = (...argv: string[]): Promise<RunResult> =>
  runInMemory([modelsVerifySignature], ['models', 'verify-signature', 'model', ...argv], {
    cwd,
    nowMs: () => (FAKE_NOW + 1e9) * 1000,
  })
const ROOT = ['--trusted-root', 'trusted_root.json']
const SIGNER = ['--identity', 'signer@example.com', '--issuer', 'https://issuer.example']

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-keyless-'))
  mkdirSync(join(cwd, 'model'))
  put('trusted_root.json', rootFile())
  put('model/weights', 'weights')
  put('model/model.sig', signKeyless({ content: 'weights' }))
})
afterEach(() => rmSync(cwd, { recursive: true }))

describe('sotto models verify-signature --trusted-root', () => {
  it('names who signed, who vouched for them, and when the log saw it', async () => {
    const { code, stdout, stderr } = await verify(...ROOT, ...SIGNER)
    expect(stderr).toBe('')
    expect(stdout).toMatch(
      /^✓ signed by signer@example\.com \(issuer https:\/\/issuer\.example\)\n✓ logged at 2026-01-01T12:00:00Z\n- ignored {2}model\.sig\n\n1 files are what was signed as model, [0-9a-f]{64}\n$/,
    )
    expect(code).toBe(0)
    const json = JSON.parse((await verify(...ROOT, ...SIGNER, '--json')).stdout) as object
    expect(json).toMatchObject({
      ok: true,
      signer: 'signer@example.com (issuer https://issuer.example)',
      loggedAt: '2026-01-01T12:00:00Z',
    })
  })

  it('notices a file that was changed', async () => {
    put('model/weights', 'weightS')
    expect(await verify(...ROOT, ...SIGNER)).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('✗ changed  weights\n') as string,
    })
  })

  it.each([
    [
      'another identity',
      ['--identity', 'other@example.com', '--issuer', 'https://issuer.example'],
      'by another identity',
    ],
    [
      'another issuer',
      ['--identity', 'signer@example.com', '--issuer', 'https://issuer.example/'],
      'another issuer vouches',
    ],
  ])('refuses %s, and says whom it found', async (_what, flags, message) => {
    const { code, stdout, stderr } = await verify(...ROOT, ...flags)
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain(message)
    expect(stderr).toContain(flags[message.includes('identity') ? 1 : 3])
    expect(stderr).toMatch(/signer@example\.com|https:\/\/issuer\.example/)
  })

  it('refuses what another deployment signed, and a signature by a key', async () => {
    put('trusted_root.json', PUBLIC_GOOD_ROOT)
    expect(await verify(...ROOT, ...SIGNER)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('the log is none of the trusted root') as string,
    })
    put('trusted_root.json', rootFile())
    put('model/model.sig', signKeyless({ content: 'weights', signer: certify({}, []) }))
    expect(await verify(...ROOT, ...SIGNER)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('no certificate log') as string,
    })
  })

  it('says what is wrong with a command line, and with a file that is no trusted root', async () => {
    const refusal = async (...flags: string[]): Promise<string> => {
      const { code, stderr } = await verify(...flags)
      expect(code).toBe(2)
      return stderr
    }
    expect(await refusal(...ROOT)).toContain('say who must have signed')
    expect(await refusal(...ROOT, '--identity', 'signer@example.com')).toContain('say who must have signed')
    expect(await refusal(...ROOT, '--identity', '', '--issuer', '')).toContain('say who must have signed')
    expect(await refusal(...SIGNER)).toContain('say whose signature it must be')
    expect(await refusal('--key', 'key.pem', ...SIGNER)).toContain('are for --trusted-root')
    expect(await refusal(...ROOT, ...SIGNER, '--key', 'key.pem')).toContain('say whose signature it must be')
    expect(await refusal(...ROOT, ...SIGNER, '--at', '2026-01-01T12:00:00Z')).toContain('--at is for')
    put('trusted_root.json', '{}')
    expect(await refusal(...ROOT, ...SIGNER)).toContain('[OMS_TRUSTED_ROOT]')
  })

  const real = join(vectorRoot(), 'training/oms/v1.0.1-sigstore')
  const isPresent = existsSync(real)
  it.skipIf(!isPresent && !process.env['CI'])(
    `accepts what the reference signed with the public instance${isPresent ? '' : ` (no folder ${real}; set SOTTO_VECTORS)`}`,
    async () => {
      rmSync(join(cwd, 'model'), { recursive: true })
      cpSync(real, join(cwd, 'model'), { recursive: true })
      put('trusted_root.json', PUBLIC_GOOD_ROOT)
      const signer = [
        '--identity',
        'stefanb@us.ibm.com',
        '--issuer',
        'https://sigstore.verify.ibm.com/oauth2',
      ]
      const { code, stdout } = await verify(...ROOT, ...signer, '--ignore', 'ignore-me')
      expect(stdout).toContain('✓ logged at 2025-10-07T15:33:48Z\n')
      expect(code).toBe(0)
    },
  )
})
