import { expect, test } from 'vitest'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { digestCount, NO_PREVIOUS_BATCH } from '@sotto/protocol/receipt-log'
import { claim } from '../../../../test/claims.ts'
import { type Desk, holding, openDesk, receipt } from './support.ts'

const add = (desk: Desk, count: number): ReturnType<typeof receipt>[] =>
  Array.from({ length: count }, () => {
    const one = receipt()
    desk.log.add(one)
    return one
  })
const shape = (desk: Desk): [number, number][] =>
  desk.batches().map((batch) => [batch.sequence, digestCount(batch)])

test('every receipt is in one batch, batches are linked, and nothing is sent before its turn', async () => {
  const desk = openDesk()
  await desk.log.start()
  const first = add(desk, 3)
  expect(desk.sent).toHaveLength(1)
  await desk.log.tick()
  const second = add(desk, 1)
  await desk.log.tick()
  const batches = desk.batches()
  expect(batches.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
  expect(batches.map(({ previous }) => previous)).toEqual([
    NO_PREVIOUS_BATCH,
    documentDigest(batches[0]!),
    documentDigest(batches[1]!),
  ])
  for (const one of first) expect(holding(batches, one)).toEqual([2])
  for (const one of second) expect(holding(batches, one)).toEqual([3])
  expect(holding(batches, receipt())).toEqual([])
})

test(
  claim(
    'receipt.logged',
    'a turn looks the same after no answer, one, and sixty-four; more show in steps alone',
  ),
  async () => {
    const shapes: Record<number, [number, number][]> = {}
    for (const count of [0, 1, 64, 65, 1024, 1025, 2048]) {
      const desk = openDesk()
      add(desk, count)
      await desk.log.tick()
      shapes[count] = shape(desk)
      expect(desk.entries.every((entry) => entry.length <= 60_000)).toBe(true)
    }
    expect(shapes).toEqual({
      0: [[1, 64]],
      1: [[1, 64]],
      64: [[1, 64]],
      65: [[1, 256]],
      1024: [[1, 1024]],
      1025: [
        [1, 1024],
        [2, 64],
      ],
      2048: [
        [1, 1024],
        [2, 1024],
      ],
    })
  },
)

test(
  claim(
    'receipt.logged',
    'an answer that comes while a batch is logged changes neither that turn nor its size',
  ),
  async () => {
    const desk = openDesk()
    add(desk, 64)
    const turn = desk.log.tick()
    while (desk.sent.length === 0) await Promise.resolve()
    const late = add(desk, 1)
    await turn
    expect(shape(desk)).toEqual([[1, 64]])
    await desk.log.tick()
    expect(holding(desk.batches(), late[0]!)).toEqual([2])
  },
)

test.each<[string, 'refuses' | 'takes-and-fails']>([
  ['not logged', 'refuses'],
  ['logged but reported as failed', 'takes-and-fails'],
])('a batch that was %s is sent again as it is, and no number has two', async (_what, mood) => {
  const desk = openDesk()
  const before = add(desk, 2)
  desk.moods.push(mood, mood)
  await desk.log.tick()
  await desk.log.tick()
  expect([desk.log.trouble, desk.failures.length]).toEqual(['RECEIPT_LOG_BEHIND', 2])
  expect(desk.failures[0]).toMatchObject({ code: 'LOG_UNREACHABLE' })
  const after = add(desk, 1)
  await desk.log.tick()
  expect(desk.sent.slice(0, 3).map((entry) => Buffer.compare(entry, desk.sent[0]!))).toEqual([0, 0, 0])
  expect(desk.log.trouble).toBeUndefined()
  const batches = desk.batches()
  expect(shape(desk)).toEqual([
    [1, 64],
    [2, 64],
  ])
  expect(batches[1]!.previous).toBe(documentDigest(batches[0]!))
  for (const one of before) expect(holding(batches, one)).toEqual([1])
  for (const one of after) expect(holding(batches, one)).toEqual([2])
})

test('of several batches the log took some: the rest follows in order', async () => {
  const desk = openDesk()
  const all = add(desk, 3000)
  desk.moods.push('takes', 'takes-and-fails')
  await desk.log.tick()
  expect(shape(desk)).toHaveLength(2)
  await desk.log.tick()
  expect(desk.batches().map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4])
  const batches = desk.batches()
  for (const one of all.filter((_, at) => at % 100 === 0)) expect(holding(batches, one)).toHaveLength(1)
  expect(batches.reduce((sum, batch) => sum + digestCount(batch), 0)).toBe(2 * 1024 + 1024 + 64)
})

test('a turn that recovers logs one batch of its own too, whether somebody waited or not', async () => {
  const shapes = await Promise.all(
    [0, 1].map(async (count) => {
      const desk = openDesk()
      desk.moods.push('refuses')
      await desk.log.tick()
      add(desk, count)
      await desk.log.tick()
      return shape(desk)
    }),
  )
  expect(shapes[0]).toEqual(shapes[1])
})

test('what waits is bounded: more is left out, said once and for the whole boot, and room comes back', async () => {
  const desk = openDesk(100)
  desk.moods.push('refuses')
  await desk.log.tick()
  const kept = add(desk, 100)
  expect(desk.log.trouble, 'nothing was left out yet').toBe('RECEIPT_LOG_BEHIND')
  const left = add(desk, 5)
  expect(desk.log.trouble).toBe('RECEIPT_LOG_FULL')
  expect(desk.failures).toMatchObject([{ code: 'LOG_UNREACHABLE' }, { code: 'RECEIPT_LOG_FULL' }])
  await desk.log.tick()
  expect(desk.log.trouble).toBe('RECEIPT_LOG_FULL')
  const [late] = add(desk, 1)
  await desk.log.tick()
  expect(holding(desk.batches(), late!)).toEqual([3])
  expect([desk.log.trouble, desk.failures.length]).toEqual(['RECEIPT_LOG_FULL', 2])
  const batches = desk.batches()
  for (const one of kept) expect(holding(batches, one)).toEqual([2])
  for (const one of left) expect(holding(batches, one)).toEqual([])
})

test('a turn has a bound: what is more than sixteen batches waits for the next', async () => {
  const desk = openDesk()
  add(desk, 16 * 1024 + 1)
  await desk.log.tick()
  expect(desk.entries).toHaveLength(16)
  await desk.log.tick()
  expect(shape(desk).at(-1)).toEqual([17, 64])
})

test('nothing is signed while nothing is held, and nothing is lost by it', async () => {
  const desk = openDesk()
  const { identity } = desk.held
  delete desk.held.identity
  const waiting = add(desk, 1)
  await desk.log.tick()
  expect([desk.sent.length, desk.log.trouble]).toEqual([0, undefined])
  desk.held.identity = identity!
  await desk.log.tick()
  expect(holding(desk.batches(), waiting[0]!)).toEqual([1])
})

test('a log that cannot be written to shows at the start', async () => {
  const desk = openDesk()
  desk.moods.push('refuses')
  await expect(desk.log.start()).rejects.toMatchObject({ code: 'LOG_UNREACHABLE', action: 'retry' })
  expect(desk.failures).toEqual([])
  await desk.log.start()
  expect(shape(desk)).toEqual([
    [1, 64],
    [2, 64],
  ])
})

test('while nothing is held nothing is logged, and the start says so', async () => {
  const desk = openDesk()
  const { identity } = desk.held
  delete desk.held.identity
  await expect(desk.log.start()).rejects.toMatchObject({ code: 'GATEWAY_NOT_READY', action: 'retry' })
  expect(desk.sent).toEqual([])
  desk.held.identity = identity!
  await desk.log.start()
  expect(shape(desk)).toEqual([[1, 64]])
})

test('turns do not overlap', async () => {
  const desk = openDesk()
  await Promise.all([desk.log.tick(), desk.log.tick(), desk.log.tick()])
  expect(desk.batches().map(({ sequence }) => sequence)).toEqual([1, 2, 3])
})
