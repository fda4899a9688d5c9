import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fromBase64 } from '@sotto/protocol/bytes'
import { parseOnnx } from '@sotto/protocol/onnx'
import {
  applyParameters,
  buildEvaluation,
  buildTrainGraph,
  type LossKind,
  type TrainSpec,
} from '@sotto/protocol/train-graph'
import { expect, test } from 'vitest'
import { errorOf, openGraph } from './run-graph.ts'

/** What make-fixtures.py wrote: see there. */
interface Fixture {
  readonly loss: LossKind
  readonly output: string
  readonly clip: number
  readonly batch: number
  readonly x: number[]
  readonly target: number[]
  readonly losses: number[]
  readonly norms: number[]
  readonly parameters: readonly { name: string; of: string; gradient: string; clipped: string }[]
}

const folder = join(import.meta.dirname, 'fixtures')
const names = globSync('*.json', { cwd: folder }).map((name) => basename(name, '.json'))

const floats = (text: string): Float32Array =>
  new Float32Array(fromBase64(text).slice().buffer as ArrayBuffer)

function read(name: string): { fixture: Fixture; spec: TrainSpec } {
  const fixture = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Fixture
  const forward = parseOnnx(new Uint8Array(readFileSync(join(folder, `${name}.onnx`))))
  const trainable = fixture.parameters.map(({ name }) => name)
  return {
    fixture,
    spec: {
      forward,
      trainable,
      loss: { kind: fixture.loss, output: fixture.output },
      microBatch: fixture.batch,
    },
  }
}

test.each(names)('gradients of %s are those of PyTorch', async (name) => {
  const { fixture, spec } = read(name)
  for (const clip of [undefined, fixture.clip]) {
    // PyTorch clips to the norm itself, the graph to a little less.
    const graph = buildTrainGraph({ ...spec, ...(clip !== undefined && { clip: clip / (1 - 2 ** -10) }) })
    const session = await openGraph(graph.model)
    const feeds = {
      ...Object.fromEntries(graph.parameters.map(({ initial }, i) => [`p.${i}`, initial])),
      'x.0': fixture.x,
      target: fixture.target,
      example_weight: fixture.losses.map(() => 1),
    }
    const found = await session.run(feeds)
    await session.close()
    expect(errorOf(found['losses']!, fixture.losses)).toBeLessThan(2e-6)
    if (clip !== undefined) expect(errorOf(found['norms']!, fixture.norms)).toBeLessThan(1e-4)
    const wanted = new Map(
      fixture.parameters.map((one) => [one.name, floats(clip === undefined ? one.gradient : one.clipped)]),
    )
    const largest = Math.max(
      ...[...wanted.values()].map((one) => one.reduce((max, value) => Math.max(max, Math.abs(value)), 0)),
    )
    let worst = 0
    for (const [i, { name }] of graph.parameters.entries()) {
      // The key's bias does not change attention: its gradient is nothing but rounding.
      const difference = wanted.get(name)!.map((value, k) => Math.abs(value - found[`g.${i}`]![k]!))
      worst = Math.max(worst, ...difference)
    }
    if (process.env['OPS_TABLE'])
      process.stdout.write(`${name} ${clip ?? 'sum'} ${(worst / largest).toExponential(1)}\n`)
    expect(worst / largest).toBeLessThan(1e-5)
  }
})

test.each(names)('%s: all weights are found, and the evaluation agrees', async (name) => {
  const { fixture, spec } = read(name)
  const graph = buildTrainGraph({ ...spec, trainable: 'all' })
  // The exporter writes positions that it knows as one constant, which does not look like a weight.
  const wanted = [...spec.trainable].filter((name) => !name.startsWith('embedding'))
  expect(graph.parameters.map(({ name }) => name).toSorted()).toEqual(wanted.toSorted())
  const evaluation = await openGraph(buildEvaluation({ ...spec, trainable: 'all' }).model)
  const weights = Object.fromEntries(graph.parameters.map(({ initial }, i) => [`p.${i}`, initial]))
  const found = await evaluation.run({ ...weights, 'x.0': fixture.x, target: fixture.target })
  await evaluation.close()
  expect(errorOf(found['losses']!, fixture.losses)).toBeLessThan(2e-6)
  expect(
    applyParameters(
      graph,
      graph.parameters.map(({ initial }) => initial),
    ),
  ).toEqual(graph.forward)
})
