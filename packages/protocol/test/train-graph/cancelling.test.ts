import { buildTrainGraph } from '@sotto/protocol/train-graph'
import { expect, test } from 'vitest'
import { type GraphWords, graphOf } from './forward-graphs.ts'
import { openGraph, spread } from './run-graph.ts'

const CLIP = 0.01

/** What an example has: as many rows, each all but the one before it, with gradients that are all but the opposite. */
interface Shape {
  readonly rows: number
  readonly inner: number
  readonly outer: number
  readonly isTable?: true
  readonly words: GraphWords
}

const cases: Record<string, Shape> = {
  'a dense layer': {
    rows: 2,
    inner: 40,
    outer: 30,
    words: { x: [2, 40], weights: { w: [40, 30] }, nodes: [['MatMul(x, w) -> y']] },
  },
  'a dense layer of many rows': {
    rows: 8,
    inner: 4,
    outer: 3,
    words: { x: [8, 4], weights: { w: [4, 3] }, nodes: [['MatMul(x, w) -> y']] },
  },
  'a table': {
    rows: 4,
    inner: 1,
    outer: 50,
    isTable: true,
    words: { x: [4], type: 'int64', weights: { w: [2, 50] }, nodes: [['Gather(w, x) -> y']] },
  },
}

/** Rows of one example: the first times 1, or -1 in turn, each a little off. */
function rowsOf(count: number, width: number, seed: number, sign: 1 | -1, off: number): number[] {
  const first = spread(width, seed)
  const noise = spread(count * width, seed + 9)
  return noise.map((value, i) => {
    const row = Math.floor(i / width)
    return first[i % width]! * (row % 2 === 1 ? sign : 1) * (1 + (off * value) / noise.length)
  })
}

test.each(Object.entries(cases))('%s: what cancels still counts no more than the clip', async (_, shape) => {
  const { words, rows, inner, outer } = shape
  const spec = {
    forward: graphOf(words),
    trainable: ['w'],
    loss: { kind: 'squared', output: 'y' },
    microBatch: 1,
  } as const
  const graph = buildTrainGraph({ ...spec, clip: CLIP })
  const [clipped, plain] = [await openGraph(graph.model), await openGraph(buildTrainGraph(spec).model)]
  for (const scale of [1e-12, 1e-6, 1e-3, 1, 1e3, 1e6, 1e8, 1e15, 1e25])
    for (let seed = 1; seed <= 40; seed++) {
      const off = [0, 1e-5, 1e-3, 3e-3, 1e-2][seed % 5]!
      const feeds = {
        'p.0': graph.parameters[0]!.initial,
        'x.0': shape.isTable ? [1, 1, 1, 1] : rowsOf(rows, inner, seed, 1, off).map((value) => value * scale),
        target: rowsOf(rows, outer, seed, -1, off).map((value) => value * scale * 1e6),
        example_weight: [1],
      }
      const found = await clipped.run(feeds)
      expect(Math.hypot(...found['g.0']!)).toBeLessThanOrEqual(CLIP)
      // The norm that is stated is never less than the real one, but for what is far below every clip.
      const real = Math.hypot(...(await plain.run(feeds))['g.0']!)
      const [norm] = found['norms']!
      if (Number.isFinite(real) && Number.isFinite(norm))
        expect(norm! * (1 + 2 ** -12) + 1e-17).toBeGreaterThanOrEqual(real)
    }
  await clipped.close()
  await plain.close()
})
