import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canonicalJson } from '@sotto/protocol/jcs'
import { encodeModelOrigin, type ModelOrigin } from '@sotto/protocol/training'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { trustPolicyOf } from '../../../../kms/test/client.ts'
import { type Trained, TrainingWorld } from '../../../../../test/rooms/support/training-proofs.ts'
import { modelsLineage } from '../../../src/commands/models/lineage.ts'
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
  cwd = mkdtempSync(join(tmpdir(), 'sotto-lineage-'))
  put('policy.json', JSON.stringify(trustPolicyOf(world.world)))
  put('scorer.onnx', trained.model.bytes)
  put('scorer.origin.json', encodeModelOrigin(trained.model.origin))
  put('proof.json', JSON.stringify(trained.proof))
})
afterEach(() => rmSync(cwd, { recursive: true }))

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(join(cwd, path, '..'), { recursive: true })
  writeFileSync(join(cwd, path), content)
}

function lineage(...argv: string[]): Promise<RunResult> {
  const env = { SOTTO_CONFIG_DIR: join(cwd, 'config'), SOTTO_POLICY: 'policy.json' }
  return runInMemory([modelsLineage], ['models', 'lineage', ...argv], { cwd, env })
}

describe('sotto models lineage', () => {
  it('draws the chain from an answer to the owners of the data, with the verdict of every link', async () => {
    put('answer.json', canonicalJson(await world.answerOf(trained.model.manifest.digest)))
    const { code, stdout, stderr } = await lineage(
      'scorer.onnx',
      '--receipt',
      'answer.json',
      '--proof',
      'proof.json',
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [model, bank] = [trained.model.manifest.digest, /accounts of bank/]
    expect(stdout).toMatch(new RegExp(`^● an answer of model ${model.slice(0, 12)}\\n`))
    expect(stdout).toContain('│ came from\n● model scorer: tensors, onnx\n')
    expect(stdout).toContain('│ was trained by\n● run ')
    expect(stdout).toContain('● contract one model\n')
    expect(stdout).toMatch(bank)
    expect(stdout).toContain('└── purchases of shop\n')
    expect(stdout).toMatch(/charged accounts for learn: 1 run, ε [0-9.]+, δ 1e-5\n/)
    expect(stdout).toContain('│   ✓ model.output       A file of it is what the KMS let out')
    expect(stdout).not.toMatch(/[✗]|^ {3}- /m)
    expect(stdout).toMatch(/\nevery link holds\nsoftware TEE: not hardware\n$/)
  })

  it('needs no contract, and says which links only parties can check', async () => {
    const { code, stdout } = await lineage('scorer.onnx')
    expect(code).toBe(0)
    expect(stdout).toContain('│   its text is with its parties\n')
    expect(stdout).toContain('- contract.kept')
    expect(stdout).toContain('    expected: the proof of the run, which parties have\n')
    expect(stdout).toContain(
      'every link that can be checked holds; not checked: answer.model, contract.kept, contract.run, contract.output, inputs.owners',
    )
    expect(stdout).not.toMatch(/bank|shop|an answer/)
  })

  it('takes the output as it left the room, and a folder with its manifest', async () => {
    put('out/model', trained.model.bytes)
    put('out/model.origin.json', encodeModelOrigin(trained.model.origin))
    expect(await lineage('out/model')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('output model, whose files do not say what model they are') as string,
    })
    put('folder/scorer.onnx', trained.model.bytes)
    put('folder/manifest.json', JSON.stringify(trained.model.manifest))
    put('folder/any.origin.json', encodeModelOrigin(trained.model.origin))
    expect(await lineage('folder')).toMatchObject({ code: 0 })
  })

  it('gives everything as JSON', async () => {
    const { code, stdout } = await lineage('scorer.onnx', '--proof', 'proof.json', '--json')
    const told = JSON.parse(stdout) as Record<string, unknown>
    expect(code).toBe(0)
    expect(Object.keys(told)).toEqual([
      'ok',
      'links',
      'model',
      'files',
      'output',
      'run',
      'contract',
      'inputs',
      'software',
    ])
    expect(told).toMatchObject({
      ok: true,
      model: { digest: trained.model.manifest.digest },
      run: { run: trained.proof.view.run, sequence: 1, training: { steps: 50 } },
      contract: { digest: world.world.digest, parties: ['bank', 'shop'] },
      inputs: [{ owner: 'bank' }, { owner: 'shop' }],
    })
  })

  it('writes the drawing, for this user alone, and over nothing that is there', async () => {
    expect(await lineage('scorer.onnx', '--svg', 'chain.svg')).toMatchObject({
      code: 0,
      stderr: 'wrote chain.svg\n',
    })
    expect(readFileSync(join(cwd, 'chain.svg'), 'utf8')).toMatch(/^<svg xmlns=.*<\/svg>$/s)
    expect(statSync(join(cwd, 'chain.svg')).mode & 0o777).toBe(0o600)
    put('chain.svg', 'mine')
    expect((await lineage('scorer.onnx', '--svg', 'chain.svg')).code).toBe(2)
    expect(readFileSync(join(cwd, 'chain.svg'), 'utf8')).toBe('mine')
  })
})

describe('sotto models lineage refuses', () => {
  it('a model that is not the one of the origin: exit code 3, the code, and the link in words', async () => {
    put('scorer.onnx', other.model.bytes)
    const { code, stdout, stderr } = await lineage('scorer.onnx')
    expect(code).toBe(3)
    expect(stdout).toContain('✗ model.output')
    expect(stdout).toMatch(/ {4}expected: 72 bytes, [0-9a-f]{64}\n/)
    expect(stdout).toContain('the chain is broken: model.output')
    expect(stderr).toContain('error: the chain is broken: model.output')
    const json = await lineage('scorer.onnx', '--json')
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'MODEL_LINEAGE', action: 'stop' } })
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false })
  })

  it('an answer of another model', async () => {
    put('answer.json', canonicalJson(await world.answerOf(other.model.manifest.digest)))
    const { code, stdout } = await lineage('scorer.onnx', '--receipt', 'answer.json')
    expect(code).toBe(3)
    expect(stdout).toContain('✗ answer.model')
  })

  it('a proof of another run', async () => {
    put('proof.json', JSON.stringify(other.proof))
    const { code, stdout } = await lineage('scorer.onnx', '--proof', 'proof.json')
    expect(code).toBe(3)
    expect(stdout).toContain(
      '✗ contract.kept      The run did what its contract says, and cost what it says (ROOM_PROOF)',
    )
    // Nobody is named by a proof that does not hold for this model.
    expect(stdout).not.toMatch(/of bank|of shop/)
  })

  it.each<[string, () => string[], string]>([
    ['a model that is not there', () => ['none.onnx', '--origin', 'scorer.origin.json'], 'cannot read'],
    [
      'a model without an origin',
      () => {
        rmSync(join(cwd, 'scorer.origin.json'))
        return ['scorer.onnx']
      },
      'which file is the origin',
    ],
    [
      'a folder with two origins',
      () => {
        put('folder/a.origin.json', '{}')
        put('folder/b.origin.json', '{}')
        return ['folder']
      },
      'a.origin.json, b.origin.json',
    ],
    [
      'an origin that is none',
      () => ['scorer.onnx', '--origin', 'proof.json'],
      'this is no origin of a model',
    ],
    [
      'a proof that is none',
      () => ['scorer.onnx', '--proof', 'scorer.origin.json'],
      'this is no proof of a run',
    ],
    ['a receipt that is none', () => ['scorer.onnx', '--receipt', 'proof.json'], 'not a saved receipt'],
  ])('%s', async (_, given, message) => {
    const { code, stderr } = await lineage(...given())
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  it('to move a cursor by what documents say', async () => {
    const origin = structuredClone(trained.model.origin) as ModelOrigin
    origin.provenance = '\u001b[2Jnothing'
    put('scorer.origin.json', JSON.stringify(origin))
    const { code, stdout, stderr } = await lineage('scorer.onnx')
    expect(code).not.toBe(0)
    expect(stdout + stderr).not.toContain('\u001b')
  })
})
