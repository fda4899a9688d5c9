import { afterEach, describe, expect, test } from 'vitest'
import { edgeError } from '../../src/errors.ts'
import {
  type PublishedCheckpoint,
  type Publisher,
  type PublisherOptions,
  startPublisher,
} from '../../src/log/publisher.ts'

let publisher: Publisher
afterEach(() => publisher.stop())

interface Stage {
  options: PublisherOptions
  published: PublishedCheckpoint[]
  /** What the store holds. */
  disk: PublishedCheckpoint | undefined
  size: number
  failures: unknown[]
}

function stage(change: Partial<PublisherOptions> = {}): Stage {
  const self: Stage = {
    published: [],
    failures: [],
    disk: undefined,
    size: 0,
    options: {
      cosignCurrent: async () => ({ note: `tree ${self.size}`, size: self.size }),
      store: (checkpoint) => void (self.disk = checkpoint),
      stored: undefined,
      refreshMs: 60_000,
      retryMs: 1,
      onPublished: (checkpoint) => void self.published.push(checkpoint),
      onFailed: (error) => void self.failures.push(error),
      ...change,
    },
  }
  return self
}

const unwitnessed = (): Error => edgeError('LOG_NOT_WITNESSED', 'no quorum')

test('a checkpoint is on disk before anybody sees it', async () => {
  let atPublication: PublishedCheckpoint | undefined
  const self = stage({ onPublished: () => void (atPublication = self.disk) })
  publisher = startPublisher(self.options)
  await publisher.waitFor(0, 1000)
  expect(atPublication).toEqual({ note: 'tree 0', size: 0 })
})

test('growing is published, and everybody who waits for that size is told', async () => {
  const self = stage()
  publisher = startPublisher(self.options)
  await publisher.waitFor(0, 1000)
  const waits = [publisher.waitFor(1, 1000), publisher.waitFor(2, 1000)]
  self.size = 2
  publisher.kick()
  await Promise.all(waits)
  expect(publisher.published).toEqual({ note: 'tree 2', size: 2 })
})

test('growing while a checkpoint is cosigned is published right after it', async () => {
  const self = stage({
    cosignCurrent: async () => {
      const { size } = self
      if (size === 0) {
        self.size = 1
        publisher.kick()
      }
      return { note: `tree ${size}`, size }
    },
  })
  await Promise.resolve()
  publisher = startPublisher({
    ...self.options,
    cosignCurrent: async (signal) => (await Promise.resolve(), self.options.cosignCurrent(signal)),
  })
  await publisher.waitFor(1, 1000)
})

test('without new entries it is cosigned again, for freshness', async () => {
  const self = stage({ refreshMs: 5 })
  publisher = startPublisher(self.options)
  await publisher.waitFor(0, 1000)
  await expect.poll(() => self.published.length).toBeGreaterThan(2)
})

test('nothing is published without a quorum, and waiting ends with an error that says to retry', async () => {
  const self = stage({ cosignCurrent: () => Promise.reject(unwitnessed()) })
  publisher = startPublisher(self.options)
  await expect(publisher.waitFor(0, 20)).rejects.toMatchObject({ code: 'LOG_NOT_WITNESSED', action: 'retry' })
  expect([publisher.published, self.disk]).toEqual([undefined, undefined])
})

test('it goes on when the witnesses come back', async () => {
  let isUp = false
  const self = stage()
  publisher = startPublisher({
    ...self.options,
    cosignCurrent: (signal) => (isUp ? self.options.cosignCurrent(signal) : Promise.reject(unwitnessed())),
  })
  await expect(publisher.waitFor(0, 10)).rejects.toMatchObject({ code: 'LOG_NOT_WITNESSED' })
  isUp = true
  await publisher.waitFor(0, 1000)
})

describe('writing the published checkpoint goes wrong', () => {
  test.each(['not persisted', 'persisted but reported failed'] as const)(
    '%s: it is not shown until a write succeeds',
    async (fault) => {
      const shown: (PublishedCheckpoint | undefined)[] = []
      let writes = 0
      const self = stage({
        store(checkpoint) {
          writes++
          if (writes === 2) {
            if (fault === 'persisted but reported failed') self.disk = checkpoint
            throw edgeError('LOG_STORE_FAILED', 'disk trouble')
          }
          self.disk = checkpoint
        },
        onFailed: () => void shown.push(publisher.published),
      })
      publisher = startPublisher(self.options)
      await publisher.waitFor(0, 1000)
      self.size = 3
      publisher.kick()
      await publisher.waitFor(3, 1000)
      expect(shown).toEqual([{ note: 'tree 0', size: 0 }])
      expect(self.disk).toEqual({ note: 'tree 3', size: 3 })
    },
  )

  test('a full disk does not stop fresher signatures on the tree that is on disk', async () => {
    let count = 0
    const self = stage({
      refreshMs: 1,
      stored: { note: 'old', size: 7 },
      cosignCurrent: async () => ({ note: `fresh ${count++}`, size: 7 }),
      store() {
        throw edgeError('LOG_STORE_FULL', 'full')
      },
    })
    publisher = startPublisher(self.options)
    await expect.poll(() => publisher.published?.note).toMatch(/^fresh/)
    expect(self.failures[0]).toMatchObject({ code: 'LOG_STORE_FULL' })
  })
})

test('a fork is final: nothing is published any more and every wait says why', async () => {
  let attempts = 0
  const self = stage({
    stored: { note: 'old', size: 1 },
    cosignCurrent() {
      attempts++
      return Promise.reject(edgeError('LOG_FORKED', 'witness knows another tree'))
    },
  })
  publisher = startPublisher(self.options)
  await expect(publisher.waitFor(2, 1000)).rejects.toMatchObject({ code: 'LOG_FORKED', action: 'stop' })
  publisher.kick()
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect([attempts, publisher.published?.note]).toEqual([1, 'old'])
})
