import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { sealData } from '../../../src/rooms/index.ts'
import { ARCHIVE, blob, contentOf, contractOf } from './inputs.ts'

const MIB = 2 ** 20
const FILE_MIB = 96
const MEASURED_MIB = 8
const MAX_HELD_BYTES = 16 * MIB

/** A recording of that many MiB, which are made as they are read. */
function recording(): Blob {
  const file = blob('RIFF....WAVE')
  const { slice } = file
  Object.defineProperty(file, 'size', { value: FILE_MIB * MIB })
  file.slice = (start, end) => slice.call(file, start, end)
  file.stream = () => {
    let made = 0
    return new ReadableStream({
      pull(controller) {
        if (made === FILE_MIB) return controller.close()
        controller.enqueue(new Uint8Array(MIB).fill(made++))
      },
    })
  }
  return file
}

it('a large file is hashed, sealed and read without being held', async () => {
  const before = heldBytes()
  const named = contractOf('audio')
  const hashing = watch()
  const content = await contentOf('audio', { 'a.wav': recording() }, { onBytes: hashing.onBytes })
  const sealing = watch()
  const { onBytes } = sealing
  const sealed = await sealData(content, ARCHIVE, { named, input: 'letters', version: 1, onBytes })
  const reading = watch()
  for await (const piece of sealed.read(0)) reading.onBytes(piece.length)
  expect([hashing.told(), sealing.told()]).toEqual([content.bytes, content.bytes])
  expect(reading.told()).toBe(sealed.bytes)
  for (const { held } of [hashing, sealing, reading]) {
    expect(held).toHaveLength(FILE_MIB / MEASURED_MIB)
    // The least of the last ones: when buffers are let go of depends on the machine.
    expect(Math.min(...held.slice(-6)) - before).toBeLessThan(MAX_HELD_BYTES)
  }
})

/** Measures what is held each time that so many bytes more went by. */
function watch(): { held: number[]; told: () => number; onBytes: (bytes: number) => void } {
  const held: number[] = []
  let told = 0
  const onBytes = (bytes: number): void => {
    told += bytes
    if (told % (MEASURED_MIB * MIB) < bytes) held.push(heldBytes())
  }
  return { held, told: () => told, onBytes }
}

function heldBytes(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}
