import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeModelOrigin } from '@sotto/protocol/training'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { trustPolicyOf } from '../../../../kms/test/client.ts'
import { cyclonedxProblems } from '../../../../../test/release/cyclonedx.ts'
import { type Trained, TrainingWorld } from '../../../../../test/rooms/support/training-proofs.ts'
import { modelsBom } from '../../../src/commands/models/bom.ts'
import { modelsLineage } from '../../../src/commands/models/lineage.ts'
import { modelsSeal } from '../../../src/commands/models/seal.ts'
import { modelsSign } from '../../../src/commands/models/sign.ts'
import { modelsVerifySignature } from '../../../src/commands/models/verify-signature.ts'
import { openModelFiles } from '../../../src/owner/index.ts'
import { runInMemory, type RunResult } from '../../support/memory-io.ts'

let world: TrainingWorld
let trained: Trained
let other: Trained
let cwd: string

beforeAll(async () => {
  world = await TrainingWorld.open()
  trained = await world.train()
  other = await world.train()
})
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-bom-'))
  mkdirSync(join(cwd, 'model'))
  put('policy.json', JSON.stringify(trustPolicyOf(world.world)))
  put('model/scorer.onnx', trained.model.bytes)
  put('model/scorer.origin.json', encodeModelOrigin(trained.model.origin))
  put('figures', trained.figures.bytes)
  put('figures.origin.json', encodeModelOrigin(trained.figures.origin))
  put('proof.json', JSON.stringify(trained.proof))
})
afterEach(() => rmSync(cwd, { recursive: true }))

function put(path: string, content: string | Uint8Array): void {
  writeFileSync(join(cwd, path), content)
}

function sotto(...argv: string[]): Promise<RunResult> {
  const env = { SOTTO_CONFIG_DIR: join(cwd, 'config'), SOTTO_POLICY: 'policy.json' }
  const commands = [modelsBom, modelsLineage, modelsSeal, modelsSign, modelsVerifySignature]
  return runInMemory(commands, ['models', ...argv], { cwd, env })
}

const bom = (...argv: string[]): Promise<RunResult> => sotto('bom', 'model', ...argv)

describe('sotto models bom', () => {
  it('writes what CycloneDX 1.6 asks for, with figures of the same run and what is guaranteed', async () => {
    const { code, stdout, stderr } = await bom('--metrics', 'figures', '--proof', 'proof.json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const document = JSON.parse(stdout) as { metadata: { component: object } }
    expect(cyclonedxProblems(document)).toEqual([])
    expect(document.metadata.component).toMatchObject({
      type: 'machine-learning-model',
      modelCard: {
        quantitativeAnalysis: {
          performanceMetrics: [
            { type: 'accuracy', value: '0.8465', slice: 'validation' },
            { type: 'auc', value: '0.8991', slice: 'validation' },
          ],
        },
      },
    })
    expect(stdout).toContain('Differential privacy, epsilon ')
    expect(stdout).toContain('"name": "bank"')
    expect(stdout).toContain('"sotto:software-tee"')
    expect((await bom('--metrics', 'figures', '--proof', 'proof.json')).stdout).toBe(stdout)
  })

  it('names nobody without the proof, which has the contract', async () => {
    const { code, stdout } = await bom()
    expect(code).toBe(0)
    expect(stdout).not.toMatch(/"bank"|"shop"|linear|classification/)
    expect(cyclonedxProblems(JSON.parse(stdout))).toEqual([])
  })

  it('writes to a file that it is given, and says so', async () => {
    expect(await bom('--out', 'model/scorer.cdx.json')).toEqual({
      code: 0,
      stdout: 'wrote model/scorer.cdx.json\n',
      stderr: '',
    })
    expect(readFileSync(join(cwd, 'model/scorer.cdx.json'), 'utf8')).toBe((await bom()).stdout)
    const { stdout } = await bom('--out', 'again.cdx.json', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ model: trained.model.manifest.digest })
    expect(await bom('--out', 'no/where.json')).toMatchObject({ code: 2 })
  })

  it('states nothing of a chain that is broken, and of figures that are of another run', async () => {
    put('figures', other.figures.bytes)
    put('figures.origin.json', encodeModelOrigin(other.figures.origin))
    expect(await bom('--metrics', 'figures')).toMatchObject({ code: 3, stdout: '' })
    put('model/scorer.onnx', other.model.bytes)
    const { code, stdout, stderr } = await bom('--out', 'scorer.cdx.json')
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain('the chain is broken: model.output')
    expect(readdirSync(cwd)).not.toContain('scorer.cdx.json')
  })

  it.each<[string, string[], string]>([
    ['an origin of figures without figures', ['--metrics-origin', 'figures.origin.json'], '--metrics'],
    ['figures that are not there', ['--metrics', 'none', '--metrics-origin', 'figures.origin.json'], 'none'],
  ])('refuses %s', async (_, argv, message) => {
    const { code, stderr } = await bom(...argv)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  it('refuses an output that does not say what model it is', async () => {
    put('out', trained.model.bytes)
    put('out.origin.json', encodeModelOrigin(trained.model.origin))
    expect(await sotto('bom', 'out')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('does not say what model it is') as string,
    })
  })
})

describe('a folder with a model, its origin and its bill of materials', () => {
  beforeEach(async () => {
    await bom('--out', 'model/scorer.cdx.json')
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    put('key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    put('key.pub.pem', publicKey.export({ type: 'spki', format: 'pem' }).toString())
  })

  it('is signed as a whole, in the OpenSSF format', async () => {
    expect(await sotto('sign', 'model', '--key', 'key.pem')).toEqual({
      code: 0,
      stdout: 'signed 3 files: model/model.sig\n',
      stderr: '',
    })
    const verify = () => sotto('verify-signature', 'model', '--key', 'key.pub.pem')
    expect(await verify()).toMatchObject({ code: 0 })
    expect(await sotto('lineage', 'model')).toMatchObject({ code: 0 })
    put('model/scorer.origin.json', encodeModelOrigin({ ...trained.model.origin, at: 1 }))
    expect(await verify()).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('✗ changed  scorer.origin.json') as string,
    })
  })

  it('is the same model as the file alone: neither is a part of it that an engine reads', async () => {
    expect(Object.keys(await openModelFiles(join(cwd, 'model')))).toEqual(['scorer.onnx'])
    const { stdout } = await sotto('seal', 'model', '--name', 'scorer', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ model: trained.model.manifest.digest })
  })
})
