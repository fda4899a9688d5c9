import { describe, expect, it } from 'vitest'
import { type MlBomAbout, renderMlBom, type TrainingMetrics } from '../../src/training/index.ts'
import { cyclonedxProblems } from '../../../../test/release/cyclonedx.ts'
import { banks, PRIVACY } from '../contract/trainings.ts'
import { documents, MANIFEST } from './traced.ts'

const METRICS: TrainingMetrics = {
  v: 1,
  steps: 200,
  metrics: [
    { metric: 'accuracy', split: 'validation', valueMicros: 846_500, epsilonMicros: 50_000 },
    { metric: 'loss', split: 'validation', valueMicros: 312_000, baseMicros: 400_000 },
  ],
}
const ORIGIN = { file: 'model.origin.json', digest: '0d'.repeat(32) }

function about(change: Partial<MlBomAbout> = {}): MlBomAbout {
  const { run, contract } = documents()
  return { manifest: MANIFEST, run, contract, metrics: METRICS, origin: ORIGIN, software: false, ...change }
}

/** As whoever reads it finds it. */
function bomOf(given: MlBomAbout): {
  serialNumber: string
  metadata: { component: Record<string, unknown> & { modelCard: Record<string, unknown> } }
  components: Record<string, unknown>[]
  formulation: { properties: { name: string; value: string }[] }[]
} {
  return JSON.parse(renderMlBom(given)) as never
}

/** Without the contract: what everybody can state. */
function publicAbout(): MlBomAbout {
  const { contract: _, metrics: __, ...rest } = about()
  return rest
}

describe('the bill of materials of a trained model', () => {
  it.each([
    ['with contract and figures', about],
    ['without both', publicAbout],
    [
      'of a model without a licence',
      () => about({ manifest: { ...MANIFEST, license: '', description: '' } }),
    ],
  ])('is what CycloneDX 1.6 asks for, %s', (_, given) => {
    expect(cyclonedxProblems(bomOf(given()))).toEqual([])
  })

  it('has the same bytes for the same model, and another number for another run', () => {
    expect(renderMlBom(about())).toBe(renderMlBom(about()))
    const { run } = documents(banks(), { nonce: '0f'.repeat(16) })
    expect(bomOf(about({ run })).serialNumber).not.toBe(bomOf(about()).serialNumber)
  })

  it('names model, files and where it comes from by their digests', () => {
    expect(bomOf(about()).metadata.component).toMatchObject({
      type: 'machine-learning-model',
      name: 'fraud',
      version: MANIFEST.digest,
      licenses: [{ license: { name: 'Apache-2.0' } }],
      components: [
        { type: 'file', name: 'fraud.onnx', hashes: [{ alg: 'SHA-256', content: '0a'.repeat(32) }] },
      ],
      externalReferences: [
        { type: 'evidence', url: 'model.origin.json', hashes: [{ content: ORIGIN.digest }] },
        { type: 'formulation', url: `#run:${about().run.run}` },
      ],
    })
  })

  it('names the model that it adds to', () => {
    const base = '0c'.repeat(32)
    expect(bomOf(about({ manifest: { ...MANIFEST, base } })).metadata.component).toMatchObject({
      pedigree: { ancestors: [{ type: 'machine-learning-model', version: base }] },
    })
  })

  it('has a card with approach, task, data, figures, and what is guaranteed in words', () => {
    const { modelCard } = bomOf(about()).metadata.component
    expect(modelCard).toMatchObject({
      modelParameters: {
        approach: { type: 'supervised' },
        task: 'classification',
        architectureFamily: 'multi-layer perceptron',
        // The fourth input is a table that the model only tells something of.
        datasets: [{ ref: 'data:north' }, { ref: 'data:south' }, { ref: 'data:public' }],
      },
      quantitativeAnalysis: {
        performanceMetrics: [
          { type: 'accuracy', value: '0.8465', slice: 'validation' },
          { type: 'loss', value: '0.312', slice: 'validation' },
          { type: 'loss', value: '0.4', slice: 'validation, before the first step' },
        ],
      },
    })
    const text = JSON.stringify(modelCard)
    expect(text).toContain(`epsilon ${PRIVACY.epsilonMicros / 1e6}, delta 0.00001`)
    const factor = Number(/more than ([0-9.]+) times/.exec(text)?.[1])
    expect(factor).toBeGreaterThanOrEqual(Math.exp(PRIVACY.epsilonMicros / 1e6))
    expect(factor).toBeLessThan(Math.exp(PRIVACY.epsilonMicros / 1e6) + 0.011)
    expect(text).toContain('accuracy of validation (epsilon 0.05)')
    expect(text).not.toContain('loss of validation')
  })

  it('names each input by its digests, and its owner where the contract is here', () => {
    expect(bomOf(about()).components[1]).toMatchObject({
      type: 'data',
      'bom-ref': 'data:south',
      hashes: [{ content: '99'.repeat(32) }],
      data: [{ type: 'dataset', governance: { owners: [{ organization: { name: 'retailer' } }] } }],
    })
    const uses = [...JSON.stringify(bomOf(about()).components).matchAll(/"sotto:use","value":"([^"]+)"/g)]
    expect(uses.map(([, use]) => use)).toEqual(['learned from', 'learned from', 'measured with', 'told of'])
    const text = renderMlBom(publicAbout())
    expect(text).not.toMatch(/retailer|sotto:use|governance|perceptron|classification|One model of fraud/)
  })

  it('tells run, room, evidence, what the KMS signed and what was charged', () => {
    const { run } = about()
    const properties = new Map(
      bomOf(about()).formulation[0]!.properties.map(({ name, value }) => [name, value]),
    )
    expect(Object.fromEntries(properties)).toMatchObject({
      'sotto:run': run.run,
      'sotto:contract': run.offer.contract,
      'sotto:run-receipt': run.envelopes.receipt,
      'sotto:run-permit': run.envelopes.permit,
      'sotto:steps': '200',
      'sotto:charge': expect.stringMatching(
        /^[a-z]+ for learn: 1 run, epsilon [0-9.]+, delta [0-9.]+$/,
      ) as string,
    })
  })

  it('says where a software TEE is part of the chain', () => {
    expect(renderMlBom(about())).not.toContain('software-tee')
    const software = bomOf(about({ software: true }))
    expect(JSON.stringify(software.formulation)).toContain(
      '{"name":"sotto:software-tee","value":"not hardware"}',
    )
    expect(cyclonedxProblems(software)).toEqual([])
  })

  it('says that nothing is guaranteed where nothing is', () => {
    const { run, contract } = documents()
    run.provenance.predicate.steps[0]!.training = { steps: 200 }
    const text = renderMlBom(about({ run, contract, metrics: { ...METRICS, metrics: [] } }))
    expect(text).toContain('None: it was trained without differential privacy')
    expect(text).not.toContain('quantitativeAnalysis')
  })
})
