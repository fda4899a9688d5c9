import { describe, expect, it } from 'vitest'
import { chargesOfTraced, type LineageLink, ownerOf, traceModel } from '../../src/training/index.ts'
import { banks, PRIVACY } from '../contract/trainings.ts'
import {
  createModelManifest,
  modelDigest,
  type ModelFileEntry,
  type ModelManifest,
} from '../../src/model-manifest/index.ts'
import { documents, type Documents } from './traced.ts'

function broken(given: Parameters<typeof traceModel>[0]): string[] {
  return traceModel(given)
    .filter(({ status }) => status === 'fail')
    .map(({ name }) => name)
}

function linkOf(given: Parameters<typeof traceModel>[0], name: string): LineageLink | undefined {
  return traceModel(given).find((one) => one.name === name)
}

function manifestOf(files: ModelFileEntry[], base?: string): ModelManifest {
  const about = { id: 'fraud', task: 'tensors', engine: 'onnx', files } as const
  return createModelManifest({ ...about, ...(base !== undefined && { base }) })
}

/** The documents with one thing that is otherwise. */
function changed(change: (one: Documents) => void): Documents {
  const one = structuredClone(documents())
  change(one)
  return one
}

describe('the links of a trained model', () => {
  it('all hold where its documents are about each other', () => {
    expect(traceModel(documents()).map(({ name, status }) => `${name} ${status}`)).toEqual([
      'answer.model pass',
      'model.files pass',
      'model.output pass',
      'model.weights pass',
      'run.output pass',
      'run.statements pass',
      'run.inputs pass',
      'run.training pass',
      'run.guarantee pass',
      'contract.run pass',
      'contract.output pass',
      'inputs.owners pass',
    ])
  })

  it.each(['answer', 'manifest', 'run', 'contract'] as const)(
    'are missing, and neither held nor broken, without: %s',
    (lacking) => {
      const { [lacking]: _, ...given } = documents()
      const links = traceModel(given).filter(({ status }) => status !== 'pass')
      expect(links.length).toBeGreaterThan(0)
      expect(links.every(({ status, expected }) => status === 'missing' && expected !== undefined)).toBe(true)
    },
  )

  it.each<[string, (one: Documents) => void, string[]]>([
    ['an answer of another model', ({ answer }) => (answer.model = '00'.repeat(32)), ['answer.model']],
    [
      'a manifest that only says it has that digest',
      (one) => (one.manifest = { ...one.manifest, task: 'embedding' }),
      ['answer.model'],
    ],
    [
      'a file that is longer than what the KMS let out',
      ({ run }) => (run.permit.outputs[0]!.bytes += 1),
      ['model.output'],
    ],
    [
      'other weights, with what was trained beside them',
      (one) => {
        const evil = { name: 'evil.onnx', sha256: '0e'.repeat(32), size: 7 }
        const [made] = one.manifest.files
        one.manifest = manifestOf([
          { ...made!, role: 'config' },
          { ...evil, role: 'weights' },
        ])
        one.files = [...one.files, { ...evil, bytes: 7, digest: '0f'.repeat(32) }]
        one.answer.model = modelDigest(one.manifest)
      },
      ['model.weights'],
    ],
    [
      'a base that the run did not begin with',
      (one) => {
        one.manifest = manifestOf([...one.manifest.files], '0c'.repeat(32))
        one.answer.model = modelDigest(one.manifest)
      },
      ['model.weights'],
    ],
    [
      'other weights, beside the base that the run began with',
      (one) => {
        const evil = { name: 'evil.onnx', sha256: '0e'.repeat(32), size: 7 }
        const base = '0c'.repeat(32)
        one.manifest = manifestOf([...one.manifest.files, { ...evil, role: 'weights' }], base)
        one.run.provenance.predicate.inputs[0]!.model = base
        one.files = [...one.files, { ...evil, bytes: 7, digest: '0f'.repeat(32) }]
        one.answer.model = modelDigest(one.manifest)
      },
      ['model.weights'],
    ],
    [
      'what was trained, as settings',
      (one) => {
        one.manifest = manifestOf([{ ...one.manifest.files[0]!, role: 'config' }])
        one.answer.model = modelDigest(one.manifest)
      },
      ['model.weights'],
    ],
    [
      'a file that the manifest does not have so',
      (one) => (one.files = [{ ...one.files[0]!, sha256: '00'.repeat(32) }]),
      ['model.files'],
    ],
    ['no file', (one) => (one.files = []), ['model.files', 'model.output', 'model.weights']],
    [
      'an output that the room does not name',
      ({ run }) => (run.provenance.subject[0]!.name = 'another'),
      ['run.output'],
    ],
    [
      'statements about two rooms',
      ({ run }) => (run.provenance.predicate.evidence = '00'.repeat(32)),
      ['run.statements'],
    ],
    ['a permit of another run', ({ run }) => (run.permit.run = '00'.repeat(32)), ['run.statements']],
    [
      'a room whose offer showed other evidence',
      ({ run }) => (run.offer.evidence = '00'.repeat(32)),
      ['run.statements'],
    ],
    [
      'a file that was read and not offered',
      ({ run }) => run.provenance.predicate.inputs.pop(),
      ['run.inputs'],
    ],
    [
      'a run of a query',
      ({ run }) => {
        const [step] = run.provenance.predicate.steps
        step!.kind = 'sql'
        delete step!.training
      },
      ['run.training'],
    ],
    [
      'a charge without its epsilon',
      ({ run }) => {
        for (const charges of [run.receipt.charges, run.provenance.predicate.charges])
          for (const charge of charges) delete charge.epsilonMicros
      },
      ['run.guarantee'],
    ],
    [
      'another contract',
      (one) => (one.contract = { ...one.contract, digest: '00'.repeat(32) }),
      ['contract.run'],
    ],
    [
      'a contract by which it is a table of figures',
      ({ contract }) => (contract.contract.outputs[0]!.part = 'metrics'),
      ['contract.output'],
    ],
    [
      'an input that nobody brought',
      ({ contract }) => (contract.contract.inputs[0]!.name = 'west'),
      ['inputs.owners'],
    ],
  ])('are broken by %s', (_, change, expected) => {
    expect(broken(changed(change))).toEqual(expected)
  })

  it('hold of an addition to weights that the run began with, and to no others', () => {
    const base = { name: 'base.onnx', sha256: '0e'.repeat(32), size: 7, role: 'weights' } as const
    const one = changed((given) => {
      const adapter = { ...given.manifest.files[0]!, role: 'adapter' } as const
      given.manifest = manifestOf([base, adapter], manifestOf([base]).digest)
      given.answer.model = modelDigest(given.manifest)
      given.files = [...given.files, { ...base, bytes: base.size, digest: '0f'.repeat(32) }]
      given.run.provenance.predicate.inputs[0]!.model = manifestOf([base]).digest
    })
    expect(broken(one)).toEqual([])
    one.run.provenance.predicate.inputs[0]!.model = '00'.repeat(32)
    expect(linkOf(one, 'model.weights')).toMatchObject({
      status: 'fail',
      expected: `model as weights, of the model ${'00'.repeat(32)}`,
      found: `base.onnx as weights, fraud.onnx as adapter, of ${manifestOf([base]).digest}`,
    })
  })

  it('need no charge where nothing is guaranteed', () => {
    const { run, ...given } = documents()
    const [step] = run.provenance.predicate.steps
    step!.training = { steps: 200 }
    expect(linkOf({ ...given, run }, 'run.guarantee')).toMatchObject({ status: 'pass' })
  })

  it('leave open what a run was charged that goes on with another', () => {
    const resumed = documents(banks(), { resumes: '77'.repeat(32) })
    expect(linkOf(resumed, 'run.guarantee')).toMatchObject({
      status: 'missing',
      expected: `what the run ${'77'.repeat(32)} was charged`,
    })
    expect(broken(resumed)).toEqual([])
  })

  it('count what the run was charged that another goes on with', () => {
    const resumed = documents(banks(), { resumes: '77'.repeat(32) })
    const charged = structuredClone(documents().run.receipt)
    expect(linkOf({ ...resumed, run: { ...resumed.run, charged } }, 'run.guarantee')?.status).toBe('pass')
    expect(chargesOfTraced({ ...resumed.run, charged })).toEqual(charged.charges)
    expect(chargesOfTraced(resumed.run)).toEqual([])
    for (const charge of charged.charges) charge.epsilonMicros! -= 1
    expect(linkOf({ ...resumed, run: { ...resumed.run, charged } }, 'run.guarantee')?.status).toBe('fail')
  })

  it('say what was expected and found of a guarantee that is more than was charged', () => {
    const { epsilonMicros } = PRIVACY
    expect(
      linkOf(documents(banks(), {}, { epsilonMicros: epsilonMicros + 1 }), 'run.guarantee'),
    ).toMatchObject({
      status: 'fail',
      expected: `epsilon of ${epsilonMicros + 1} millionths, delta of 10000000 trillionths`,
      found: `north: epsilon of ${epsilonMicros} millionths, delta of 10000000 trillionths`,
    })
  })
})

it('an input is of the party that brought it', () => {
  const { contract } = documents()
  expect(['north', 'south', 'nowhere'].map((input) => ownerOf(contract, input))).toEqual([
    'bank',
    'retailer',
    undefined,
  ])
})
