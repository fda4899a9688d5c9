import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { expect, it, vi } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { encodeTrustBundle, parseTrustBundle } from '@sotto/protocol/evidence'
import { createWorld } from '@sotto/testkit'
import { verifyTrustBundle } from '@sotto/verifier'

vi.mock(
  '../../../protocol/src/crypto-backend/node.ts',
  () => import('../../../protocol/src/crypto-backend/browser.ts'),
)

it('reaches the same verdicts on the backend for browsers', async () => {
  expect(crypto.name).toBe('browser')
  const world = await createWorld()
  const bundle = parseTrustBundle(encodeTrustBundle(world.bundle))
  expect(verifyTrustBundle(bundle, world.policy, { now: world.now }).verdict.ok).toBe(true)
  const late = verifyTrustBundle(bundle, world.policy, { now: world.now + 4000 })
  expect(late.verdict.ok).toBe(false)
  const stranger = { family: 'software' as const, roots: ['0'.repeat(64)] }
  const other = { ...world.policy, platforms: [{ name: 'other', allOf: [stranger] }] }
  expect(verifyTrustBundle(bundle, other, { now: world.now }).verdict.ok).toBe(false)
})

it('needs nothing of Node: the whole verifier bundles for browsers, and the software signer stays out', async () => {
  const entry = resolve(import.meta.dirname, '../../src/index.ts')
  const { metafile, outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    conditions: ['browser'],
    metafile: true,
    outdir: 'out',
    absWorkingDir: join(entry, '../../../..'),
    logLevel: 'silent',
  })
  const inputs = Object.keys(metafile.inputs)
  expect(inputs.some((path) => path.includes('verifier/src/bundle/verify.ts'))).toBe(true)
  expect(inputs.filter((path) => path.includes('software-signer'))).toEqual([])
  expect(new TextDecoder().decode(outputFiles[0]!.contents)).not.toContain('node:')
})
