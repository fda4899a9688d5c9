import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fakeRoot, FAKE_NOW } from '@sotto/testkit/x509'
import { spawnSync } from 'node:child_process'
import { modelsSign } from '../../../src/commands/models/sign.ts'
import { modelsVerifySignature } from '../../../src/commands/models/verify-signature.ts'
import { runInMemory, type RunResult } from '../../support/memory-io.ts'

let cwd: string
const at = (path: string): string => join(cwd, path)
const put = (path: string, content: string): void => {
  mkdirSync(join(at(path), '..'), { recursive: true })
  writeFileSync(at(path), content)
}
const sotto = (...argv: string[]): Promise<RunResult> =>
  runInMemory([modelsSign, modelsVerifySignature], ['models', ...argv], { cwd, nowMs: () => FAKE_NOW * 1000 })
const sign = (...argv: string[]): Promise<RunResult> => sotto('sign', 'model', '--key', 'key.pem', ...argv)
const verify = (...argv: string[]): Promise<RunResult> =>
  sotto('verify-signature', 'model', '--key', 'key.pub.pem', ...argv)

function writeKey(name: string, namedCurve = 'P-256'): void {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
  put(`${name}.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  put(`${name}.pub.pem`, publicKey.export({ type: 'spki', format: 'pem' }).toString())
}

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-sign-'))
  writeKey('key')
  put('model/weights.bin', 'weights')
  put('model/empty', '')
  put('model/nested/config.json', '{}')
  put('model/.git/HEAD', 'ref')
})
afterEach(() => rmSync(cwd, { recursive: true }))

describe('sotto models sign and verify-signature', () => {
  it.each(['P-256', 'P-384', 'P-521'])('sign and verify every file, on %s', async (curve) => {
    writeKey('key', curve)
    expect(await sign()).toEqual({ code: 0, stdout: 'signed 3 files: model/model.sig\n', stderr: '' })
    const { code, stdout } = await verify()
    expect(stdout).toMatch(
      /^✓ signed by key [0-9a-f]{64}\n- ignored {2}\.git\n- ignored {2}model\.sig\n\n3 files are what was signed as model, [0-9a-f]{64}\n$/,
    )
    expect(code).toBe(0)
    expect(statSync(at('model/model.sig')).mode & 0o777).toBe(0o644)
    expect(readFileSync(at('model/model.sig'), 'utf8')).not.toContain('PRIVATE')
  })

  it('name what is changed, missing and extra, and exit 3', async () => {
    await sign()
    put('model/weights.bin', 'weightS')
    rmSync(at('model/nested/config.json'))
    put('model/nested/new', '')
    const { code, stdout } = await verify('--json')
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      model: 'model',
      changed: ['weights.bin'],
      missing: ['nested/config.json'],
      extra: ['nested/new'],
      refused: [],
    })
    expect(code).toBe(3)
    expect((await verify()).stdout).toContain('✗ extra    nested/new\n')
  })

  it.each(['weights.bin', 'empty', 'nested/config.json'])('notice one more byte in %s', async (file) => {
    await sign()
    put(`model/${file}`, `${readFileSync(at(`model/${file}`), 'utf8')}x`)
    const { code, stdout } = await verify()
    expect([code, stdout]).toEqual([3, expect.stringContaining(`✗ changed  ${file}\n`)])
  })

  it('leave out what is named when signing, and say so; nothing else', async () => {
    await sign('--ignore', './nested/')
    put('model/nested/anything', 'new')
    expect((await verify()).code).toBe(0)
    put('model/.gitmodules', '')
    expect((await verify()).stdout).toContain('✗ extra    .gitmodules\n')
    expect((await verify('--ignore', '.gitmodules')).code).toBe(0)
    expect(await verify('--ignore', 'weights.bin')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('weights.bin is signed') as string,
    })
  })

  it('keep a signature elsewhere', async () => {
    const nowhere = await sign('--out', 'no/folder/model.sig')
    expect([nowhere.code, nowhere.stderr.includes('[CLI_FILE]')]).toEqual([2, true])
    await sign('--out', 'outside.sig')
    expect((await verify('--signature', 'outside.sig')).code).toBe(0)
    put('model/model.sig', 'another')
    expect((await verify('--signature', 'outside.sig')).stdout).toContain('✗ extra    model.sig\n')
  })

  it('refuse a link wherever it leads, and never follow it', async () => {
    put('secret', 'outside of the model')
    symlinkSync('../secret', at('model/link'))
    expect(await sign()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('link cannot be signed: it is a link') as string,
    })
    rmSync(at('model/link'))
    await sign()
    rmSync(at('model/weights.bin'))
    symlinkSync('../secret', at('model/weights.bin'))
    const { code, stdout } = await verify()
    expect(stdout).toContain('✗ missing  weights.bin\n✗ refused  weights.bin: a link\n')
    expect(code).toBe(3)
  })

  it('do not wait for a FIFO, and name it', async () => {
    await sign()
    spawnSync('mkfifo', [at('model/pipe')])
    expect((await verify()).stdout).toContain('✗ refused  pipe: neither a file nor a folder\n')
  })

  it('name a file whose name no manifest can hold', async () => {
    await sign()
    put('model/a\nb', '')
    const { code, stdout } = await verify('--json')
    expect(JSON.parse(stdout)).toMatchObject({
      refused: [{ path: 'a\nb', reason: 'a name that no manifest can hold' }],
    })
    expect(code).toBe(3)
    expect((await sign()).code).toBe(2)
  })

  it('refuse another key, and a signature that was changed', async () => {
    await sign()
    writeKey('other')
    expect(await sotto('verify-signature', 'model', '--key', 'other.pub.pem')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('signed with another key') as string,
    })
    const text = readFileSync(at('model/model.sig'), 'utf8')
    const bundle = JSON.parse(text) as { dsseEnvelope: { payload: string } }
    const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64')
      .toString()
      .replace('"weights.bin"', '"weights.bix"')
    bundle.dsseEnvelope.payload = Buffer.from(payload).toString('base64')
    put('model/model.sig', JSON.stringify(bundle))
    expect(await verify()).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('does not cover this manifest') as string,
    })
    put('model/model.sig', '{}')
    expect((await verify()).code).toBe(2)
    rmSync(at('model/model.sig'))
    expect((await verify()).code).toBe(2)
  })

  it('sign as the holder of a certificate, for whoever trusts its root', async () => {
    const root = fakeRoot({ commonName: 'Root' })
    const leaf = root.issue({ commonName: 'Signer', extendedKeyUsage: ['1.3.6.1.5.5.7.3.3'] })
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      ...coordinates(leaf.key.publicKey),
      d: Buffer.from(leaf.key.privateKey).toString('base64url'),
    }
    const { createPrivateKey } = await import('node:crypto')
    put(
      'leaf.pem',
      createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'sec1', format: 'pem' }).toString(),
    )
    put('chain.pem', leaf.pem)
    put('root.pem', root.pem)
    expect(
      (await sotto('sign', 'model', '--key', 'leaf.pem', '--certificate-chain', 'chain.pem')).stderr,
    ).toBe('')
    const check = (...more: string[]): Promise<RunResult> =>
      sotto('verify-signature', 'model', '--certificate-chain', 'root.pem', ...more)
    expect((await check()).stdout).toContain('✓ signed by CN=Signer (root CN=Root)\n')
    expect(await check('--at', '2030-01-01T00:00:00Z')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('expired') as string,
    })
    put('root.pem', fakeRoot().pem)
    expect((await check()).code).toBe(3)
    expect(
      (await sotto('sign', 'model', '--key', 'key.pem', '--certificate-chain', 'chain.pem')).stderr,
    ).toContain('of another key')
  })

  it('say what is wrong with a command line', async () => {
    expect((await sotto('sign', 'model')).stderr).toContain('nothing to sign with')
    expect((await sotto('sign', 'nowhere', '--key', 'key.pem')).stderr).toContain('is no folder')
    expect((await sotto('sign', 'model', '--key', 'key.pub.pem')).stderr).toContain('this is no private key')
    await sign()
    expect((await sotto('verify-signature', 'model')).stderr).toContain('say whose signature it must be')
    expect((await verify('--certificate-chain', 'key.pem')).stderr).toContain(
      'say whose signature it must be',
    )
  })
})

function coordinates(point: Uint8Array): { x: string; y: string } {
  const half = (point.length - 1) / 2
  const text = (from: number): string => Buffer.from(point.slice(from, from + half)).toString('base64url')
  return { x: text(1), y: text(1 + half) }
}
