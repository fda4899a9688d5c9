import { toBase64Url } from '@sotto/protocol/bytes'
import { createModelManifest } from '@sotto/protocol/model-manifest'
import {
  type ChargedRun,
  encodeModelOrigin,
  type ModelOrigin,
  parseModelOrigin,
} from '@sotto/protocol/training'
import {
  drawLineage,
  figuresOf,
  type Lineage,
  type LineageGiven,
  requireLineage,
  traceLineage,
} from '@sotto/client/rooms/training'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import type { TrustPolicy } from '@sotto/verifier'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { trustPolicyOf } from '../../packages/kms/test/client.ts'
import { payloadOf } from './support/run-proofs.ts'
import { EPSILON_MICROS, type Trained, TrainingWorld } from './support/training-proofs.ts'

let world: TrainingWorld
let policy: TrustPolicy
/** Two trainings of one contract. */
let trained: Trained
let other: Trained
let answer: SavedReceipt

beforeAll(async () => {
  world = await TrainingWorld.open()
  policy = trustPolicyOf(world.world)
  trained = await world.train()
  other = await world.train()
  answer = await world.answerOf(trained.model.manifest.digest)
})

/** Names of links that are broken, with the code of a statement that is not authentic. */
function broken({ links }: Lineage): string[] {
  return links
    .filter(({ status }) => status === 'fail')
    .map(({ name, code }) => (code === undefined ? name : `${name} ${code}`))
}

function missing({ links }: Lineage): string[] {
  return links.filter(({ status }) => status === 'missing').map(({ name }) => name)
}

function trace(change: Partial<LineageGiven> = {}, of: Trained = trained): Lineage {
  return traceLineage({ ...of.model, proof: of.proof, answer: { receipt: answer }, ...change }, policy)
}

/** The chain with something done to the origin. */
function withOrigin(change: (origin: ModelOrigin) => void, given: Partial<LineageGiven> = {}): Lineage {
  const origin = structuredClone(trained.model.origin)
  change(origin)
  return trace({ origin, ...given })
}

/** An envelope whose payload says something else, and whose signature is what it was. */
function reworded(envelope: string, from: string, to: string): string {
  const parsed = JSON.parse(envelope) as { payload: string }
  const text = Buffer.from(parsed.payload, 'base64').toString()
  if (!text.includes(from)) throw new Error(`the envelope does not say ${from}`)
  parsed.payload = Buffer.from(text.replace(from, to)).toString('base64')
  return JSON.stringify(parsed)
}

describe('the chain of a model that a room trained', () => {
  it('goes from an answer to the owners of what it learned from, and every link of it holds', () => {
    const lineage = trace()
    expect(lineage.links.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'answer.receipt pass',
      'answer.model pass',
      'model.files pass',
      'model.output pass',
      'model.weights pass',
      'run.deployment pass',
      'run.room pass',
      'run.receipt pass',
      'run.permit pass',
      'run.provenance pass',
      'run.output pass',
      'run.statements pass',
      'run.inputs pass',
      'run.training pass',
      'run.guarantee pass',
      'contract.kept pass',
      'contract.run pass',
      'contract.output pass',
      'inputs.owners pass',
    ])
    expect(lineage).toMatchObject({
      ok: true,
      software: true,
      answer: { model: trained.model.manifest.digest },
      contract: { digest: world.world.digest },
      inputs: [
        { input: 'accounts', owner: 'bank', charges: [{ transform: 'learn', deltaTrillionths: 10_000_000 }] },
        { input: 'purchases', owner: 'shop' },
      ],
    })
    expect(() => requireLineage(lineage)).not.toThrow()
  })

  it('is checked by those who have no contract up to the inputs, and says what it does not know', () => {
    const { proof: _, ...given } = { ...trained.model, proof: undefined }
    const lineage = traceLineage(given, policy)
    expect([lineage.ok, broken(lineage)]).toEqual([true, []])
    expect(missing(lineage)).toEqual([
      'answer.model',
      'contract.kept',
      'contract.run',
      'contract.output',
      'inputs.owners',
    ])
    expect(lineage.inputs.map(({ input, owner }) => [input, owner])).toEqual([
      ['accounts', undefined],
      ['purchases', undefined],
    ])
  })

  it('needs no manifest where the file is the output itself, but then answers are of no known model', () => {
    const { manifest: _, ...model } = trained.model
    const lineage = traceLineage({ ...model, answer: { receipt: answer } }, policy)
    expect(lineage.ok).toBe(true)
    expect(missing(lineage)).toEqual(expect.arrayContaining(['answer.model', 'model.files']))
  })

  it('is drawn with the owners, without a script, and with what does not hold', async () => {
    const svg = drawLineage(trace())
    expect(svg).toMatch(/^<svg xmlns=/)
    expect(svg).toContain('accounts of bank')
    expect(svg).toContain('class="ink-1"')
    expect(svg).toContain('software TEE: not hardware')
    expect(svg).not.toMatch(/<script|✗|href/)
    expect(drawLineage(trace({}, other))).toContain('✗ This model gave the answer')
  })
})

describe('the chain of a training that goes on with another', () => {
  let begun: ChargedRun
  let resumed: Trained

  beforeAll(async () => {
    begun = await world.begin()
    resumed = await world.train({}, begun)
  })

  it('holds what the first of them was charged', () => {
    const lineage = traceLineage({ ...resumed.model, proof: resumed.proof }, policy)
    expect(broken(lineage)).toEqual([])
    expect(lineage.links.find(({ name }) => name === 'run.charged')).toMatchObject({ status: 'pass' })
    expect(lineage.links.find(({ name }) => name === 'run.guarantee')).toMatchObject({ status: 'pass' })
    expect(lineage.run?.receipt.charges).toEqual([])
    expect(lineage.inputs.map(({ charges }) => charges[0]?.deltaTrillionths)).toEqual([
      10_000_000, 10_000_000,
    ])
  })

  it('leaves open what that was where nobody tells it', () => {
    const { charged: _, ...origin } = resumed.model.origin
    const lineage = traceLineage({ ...resumed.model, origin }, policy)
    expect(broken(lineage)).toEqual([])
    expect(missing(lineage)).toContain('run.guarantee')
  })

  it('is broken by the receipt of another run, or one that the KMS did not sign', () => {
    const trial = (charged: ChargedRun): string[] =>
      broken(traceLineage({ ...resumed.model, origin: { ...resumed.model.origin, charged } }, policy))
    const { offered, receipt } = other.model.origin
    expect(trial({ offer: offered.offer, receipt })).toEqual(['run.charged ROOM_OFFER'])
    expect(trial({ ...begun, receipt })).toEqual(['run.charged CONTRACT_OTHER'])
    expect(trial({ ...begun, receipt: reworded(begun.receipt, '"sequence":', '"sequence":1') })).toEqual([
      'run.charged CONTRACT_SIGNATURE',
    ])
    const unasked = { ...trained.model.origin, charged: begun }
    expect(broken(traceLineage({ ...trained.model, origin: unasked }, policy))).toEqual([
      'run.charged ROOM_OFFER',
    ])
  })
})

describe('what documents say', () => {
  it('is text in the drawing, whatever it is', () => {
    const lineage = structuredClone(trace())
    lineage.contract!.contract.title = '<script>alert(1)</script>\u001b[2J\u202e'
    lineage.run!.receipt.hardware = ['"><image href="https://elsewhere.test"/>']
    lineage.links[0]!.status = 'fail'
    lineage.links[0]!.found = '</text><script>'
    const svg = drawLineage(lineage)
    expect(svg).toContain('&lt;script&gt;alert(1)')
    for (const active of ['<script', '<image', '\u001b', '\u202e']) expect(svg).not.toContain(active)
  })
})

describe('an origin', () => {
  it('holds no more of the contract than its digest and the names that statements have', () => {
    const text = Buffer.from(encodeModelOrigin(trained.model.origin)).toString()
    const { contract } = world.world
    const said = [
      text,
      ...(['receipt', 'permit', 'provenance'] as const).map((one) =>
        JSON.stringify(payloadOf(trained.model.origin[one])),
      ),
    ].join('\n')
    const confidential = [
      contract.title,
      contract.salt,
      ...contract.parties.flatMap(({ key, sealTo }) => [key, sealTo]),
      'minContributors',
      'rateNanos',
      '"amount"',
      trained.figures.origin.salt,
    ]
    expect(confidential.filter((one) => said.includes(one))).toEqual([])
    expect(said).toContain(world.world.digest)
  })

  it('comes back as it was written', () => {
    expect(parseModelOrigin(encodeModelOrigin(trained.model.origin))).toEqual(trained.model.origin)
  })
})

describe('a chain is broken', () => {
  it('where another model gave the answer', async () => {
    const lineage = trace({ answer: { receipt: await world.answerOf(other.model.manifest.digest) } })
    expect(broken(lineage)).toEqual(['answer.model'])
    expect(lineage.links.find(({ name }) => name === 'answer.model')).toMatchObject({
      expected: other.model.manifest.digest,
      found: trained.model.manifest.digest,
    })
  })

  it('where no enclave signed the answer, or it is another answer', () => {
    const forged = {
      ...answer,
      envelope: reworded(answer.envelope, '"keyId":', '"keyId":1'),
    }
    expect(broken(trace({ answer: { receipt: forged } }))).toEqual(['answer.receipt RECEIPT_INVALID'])
    const subject = { response: { status: 200, contentType: '', body: [Uint8Array.of(1)] } }
    expect(broken(trace({ answer: { receipt: answer, subject } }))).toEqual([
      'answer.receipt RECEIPT_INVALID',
    ])
  })

  it('where one byte of the model is another', () => {
    const [file] = trained.model.files
    const files = [{ ...file!, sha256: '00'.repeat(32), digest: '11'.repeat(32) }]
    const lineage = trace({ files })
    expect(broken(lineage)).toEqual(['model.files', 'model.output', 'model.weights'])
    expect(() => requireLineage(lineage)).toThrow(
      expect.objectContaining({
        code: 'MODEL_LINEAGE',
        action: 'stop',
        message: 'the chain is broken: model.files, model.output, model.weights',
        expected: expect.stringContaining(file!.sha256) as string,
        found: expect.stringContaining('00'.repeat(32)) as string,
      }),
    )
  })

  it('where the manifest is of other files', () => {
    const { files, manifest } = trained.model
    const [entry] = manifest.files
    const { digest: _, format: __, ...about } = manifest
    const wrong = createModelManifest({ ...about, files: [{ ...entry!, size: entry!.size + 1 }] })
    expect(broken(trace({ manifest: wrong, files }))).toEqual(['answer.model', 'model.files'])
  })

  it('where the model is of another run of the same contract', () => {
    expect(broken(trace({ origin: other.model.origin }))).toEqual([
      'model.output',
      'model.weights',
      'contract.kept ROOM_PROOF',
    ])
    expect(broken(trace({ origin: other.model.origin, proof: other.proof }))).toEqual([
      'model.output',
      'model.weights',
    ])
  })

  it('where it is another output than the model', () => {
    const figures = trained.figures
    const files = [{ ...trained.model.files[0]!, bytes: figures.bytes.length }]
    expect(broken(trace({ origin: figures.origin, files }))).toEqual(
      expect.arrayContaining(['model.output', 'contract.output']),
    )
    expect(broken(withOrigin((one) => (one.output = 'nothing')))).toEqual([
      'model.output',
      'model.weights',
      'run.output',
      'contract.output',
    ])
  })

  it.each([
    ['receipt', '"sequence":1', '"sequence":9', 'run.receipt CONTRACT_SIGNATURE'],
    ['permit', '"bytes"', '"Bytes"', 'run.permit CONTRACT_MALFORMED'],
    ['provenance', '"steps":50', '"steps":51', 'run.provenance ROOM_SIGNATURE'],
  ] as const)('where the %s was changed after it was signed', (member, from, to, link) => {
    const lineage = withOrigin((origin) => (origin[member] = reworded(origin[member], from, to)))
    expect(broken(lineage)).toEqual([link])
    // Nothing of what is not authentic is told.
    expect(lineage.run).toBeUndefined()
    expect(missing(lineage)).toEqual(
      expect.arrayContaining(['model.output', 'run.guarantee', 'contract.run']),
    )
  })

  it.each(['receipt', 'permit', 'provenance'] as const)('where the %s is of another run', (member) => {
    const [found] = broken(withOrigin((origin) => (origin[member] = other.model.origin[member])))
    expect(found).toMatch(new RegExp(`^run.${member} (CONTRACT_OTHER|ROOM_SIGNATURE)$`))
  })

  it('where the evidence is of another room, or none', () => {
    expect(broken(withOrigin((one) => (one.offered.shown = other.model.origin.offered.shown)))).toContain(
      'run.room ROOM_OFFER',
    )
    expect(broken(withOrigin((one) => (one.offered.shown.evidence = [])))).toContain('run.room ROOM_OFFER')
  })

  it('where the deployment is not the one of your policy, or its bundle is none', async () => {
    const stranger = trustPolicyOf((await TrainingWorld.open()).world, { genesis: '00'.repeat(32) })
    expect(broken(traceLineage(trained.model, stranger))).toEqual(['run.deployment ROOM_OFFER'])
    const lineage = withOrigin((one) => (one.bundle = toBase64Url(Uint8Array.of(1, 2, 3))))
    expect(broken(lineage)[0]).toMatch(/^run.deployment [A-Z_]+$/)
    expect(missing(lineage)).toEqual(expect.arrayContaining(['run.room', 'run.receipt', 'run.permit']))
  })

  it('where it was verified before it took place', () => {
    expect(broken(withOrigin((one) => (one.at -= 3600)))).toEqual(
      expect.arrayContaining([expect.stringMatching(/^run\.(deployment|receipt) ROOM_OFFER$/) as string]),
    )
  })

  it.each([
    ['charges', { charges: [] }],
    ['image', { image: '00'.repeat(32) }],
    ['sequence', { sequence: 700 }],
    ['permit', { permit: '00'.repeat(32) }],
  ])('where the room tells another %s than the KMS', async (_, predicate) => {
    const lied = await world.train({ predicate })
    expect(broken(traceLineage(lied.model, policy))).toEqual(['run.statements'])
    expect(broken(traceLineage({ ...lied.model, proof: lied.proof }, policy))).toContain(
      'contract.kept ROOM_PROOF',
    )
  })

  it('where the room read other files', async () => {
    const { inputs } = payloadOf<{ predicate: { inputs: { content: string }[] } }>(
      trained.model.origin.provenance,
    ).predicate
    const lied = await world.train({
      predicate: { inputs: inputs.map((one) => ({ ...one, content: '00'.repeat(32) })) as never },
    })
    expect(broken(traceLineage(lied.model, policy))).toEqual(['run.inputs'])
  })

  it('where more is guaranteed away than was charged', async () => {
    const lied = await world.train({ training: { epsilonMicros: EPSILON_MICROS + 1_000_000 } })
    expect(broken(traceLineage(lied.model, policy))).toEqual(['run.guarantee'])
    const delta = await world.train({ training: { deltaTrillionths: 10_000_001 } })
    expect(broken(traceLineage(delta.model, policy))).toEqual(['run.guarantee'])
  })
})

it('property: an origin with another byte is refused, or says the same of the same run', () => {
  const written = encodeModelOrigin(trained.model.origin)
  const genuine = traceLineage(trained.model, policy)
  fc.assert(
    fc.property(fc.nat({ max: written.length - 1 }), fc.integer({ min: 1, max: 127 }), (at, flip) => {
      const changed = written.slice()
      changed[at]! ^= flip
      let origin: ModelOrigin
      try {
        origin = parseModelOrigin(changed)
      } catch {
        return
      }
      const lineage = traceLineage({ ...trained.model, origin }, policy)
      if (!lineage.ok) return
      expect(lineage.run).toEqual(genuine.run)
      expect(lineage.links).toEqual(genuine.links)
    }),
    { numRuns: process.env['SLOW'] ? 1000 : 100 },
  )
})

describe('figures of a training', () => {
  it('are taken from the run that the model is of', () => {
    const { bytes, origin } = trained.figures
    expect(figuresOf(bytes, origin, trace().run!).metrics.map(({ metric }) => metric)).toEqual([
      'accuracy',
      'auc',
    ])
  })

  it.each([
    ['another run', () => [other.figures.bytes, other.figures.origin]],
    ['another salt', () => [trained.figures.bytes, trained.model.origin]],
    ['other bytes', () => [Buffer.concat([trained.figures.bytes, Buffer.from(' ')]), trained.figures.origin]],
  ] as [string, () => [Uint8Array, ModelOrigin]][])('are refused with %s', (_, given) => {
    expect(() => figuresOf(...given(), trace().run!)).toThrow(
      expect.objectContaining({ code: 'MODEL_LINEAGE' }),
    )
  })
})
