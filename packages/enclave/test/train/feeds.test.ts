import type { Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { encodePart, readFor } from '../../src/train/index.ts'
import { tableFeeds } from '../../src/train/step/table-feeds.ts'
import { MADE_UP, MADE_UP_WIDTH, madeUp } from './tables.ts'

const part = encodePart(readFor(madeUp('t', 100, 9), MADE_UP), MADE_UP)
const data = { name: 'x.0', width: MADE_UP_WIDTH }
const BATCH = 40

/** Numbers of a tensor as they are now: the next rows are written over them. */
function numbersOf(tensor: Tensor | undefined): number[] {
  return Array.from(tensor!.data as ArrayLike<number | bigint>, Number)
}

describe.each(['float32', 'int64'] as const)('rows of a table with labels in %s', (type) => {
  const target = { name: 'target', type, dims: [BATCH], classes: 2 }
  const open = (): ReturnType<typeof tableFeeds> => tableFeeds({ microBatch: BATCH, data, target })
  const ask = (feeds: ReturnType<typeof tableFeeds>, rows: Uint32Array): number[][] => {
    const { 'x.0': features, target: labels } = feeds(part, rows)
    return [numbersOf(features), numbersOf(labels)]
  }

  it('are each in its place, with zeros behind, whatever rows were there before', () => {
    const some = Uint32Array.from({ length: 35 }, (_, at) => (at * 37) % 100)
    const few = some.subarray(10, 13)
    const feeds = open()
    ask(
      feeds,
      Uint32Array.from({ length: BATCH }, (_, at) => at),
    )
    for (const rows of [few, some, few]) {
      const [features, labels] = ask(feeds, rows)
      expect([features, labels]).toEqual(ask(open(), rows))
      expect(labels).toEqual([...Array.from(rows, (row) => part.labels[row]!), ...zeros(BATCH - rows.length)])
      expect(features!.slice(rows.length * MADE_UP_WIDTH)).toEqual(
        zeros((BATCH - rows.length) * MADE_UP_WIDTH),
      )
      for (const [at, row] of rows.entries()) {
        const [age, sum, kind] = part.values.subarray(row * 3, row * 3 + 3)
        const places = zeros(4).with(kind!, 1)
        expect(features!.slice(at * MADE_UP_WIDTH, (at + 1) * MADE_UP_WIDTH)).toEqual([age, sum, ...places])
      }
    }
  })

  it('are refused by a graph of other features', () => {
    const feeds = tableFeeds({ microBatch: BATCH, data: { ...data, width: 5 }, target })
    expect(() => feeds(part, Uint32Array.of(0))).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_GRAPH' }),
    )
  })
})

it('rows of numbers alone are copied, long ones and short ones', () => {
  for (const width of [1, 7, 64, 200]) {
    const values = Float32Array.from({ length: 90 * width }, (_, at) => Math.fround(at / 7))
    const columns = Array.from({ length: width }, (_, start) => ({
      kind: 'number' as const,
      start,
      width: 1,
    }))
    const feeds = tableFeeds({ microBatch: 80, data: { name: 'x', width } })
    const rows = Uint32Array.from({ length: 77 }, (_, at) => 89 - at)
    const found = numbersOf(feeds({ ...part, width, columns, values }, rows)['x'])
    const expected = [...rows].flatMap((row) => [...values.subarray(row * width, (row + 1) * width)])
    expect(found).toEqual([...expected, ...zeros(3 * width)])
  }
})

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0)
}
