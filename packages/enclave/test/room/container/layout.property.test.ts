import fc from 'fast-check'
import { closeSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SottoError } from '@sotto/protocol/errors'
import { readLayout } from '../../../src/room/container/layout.ts'
import { buildLayout, file, openRamFile } from './layouts.ts'

const RUNS = process.env['SLOW'] === '1' ? 2000 : 200
const LAYOUT = buildLayout([[file('a', 'one')], [file('b', 'two')]])
const CODES = ['ROOM_CONTAINER_LAYOUT', 'ROOM_CONTAINER_DIGEST']

/** What is read, or the code of the refusal. @throws any other error */
async function read(tar: Uint8Array): Promise<unknown> {
  const fd = openRamFile(tar)
  try {
    return await readLayout(fd, { manifest: LAYOUT.manifest })
  } catch (error) {
    if (error instanceof SottoError && CODES.includes(error.code)) return error.code
    throw error
  } finally {
    closeSync(fd)
  }
}

describe('any bytes in the place of a layout', () => {
  it('are the image that the contract names, or are refused, whichever byte was changed', async () => {
    const whole = await read(LAYOUT.tar)
    expect(whole).toMatchObject({ workingDirectory: '/' })
    await fc.assert(
      fc.asyncProperty(
        fc.nat(LAYOUT.tar.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, difference) => {
          const changed = Uint8Array.from(LAYOUT.tar)
          changed[at]! ^= difference
          const result = await read(changed)
          // A time or an owner in the outer tar says nothing of the image.
          if (typeof result !== 'string') expect(result).toEqual(whole)
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('are refused where some are missing or nothing is like a layout', async () => {
    await fc.assert(
      // Not the empty blocks at its end: without them it is whole as well.
      fc.asyncProperty(fc.nat(LAYOUT.tar.length - 1024 - 1), async (length) => {
        expect(CODES).toContain(await read(LAYOUT.tar.subarray(0, length)))
      }),
      { numRuns: RUNS / 2 },
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4096 }), async (bytes) => {
        expect(CODES).toContain(await read(bytes))
      }),
      { numRuns: RUNS / 2 },
    )
  })
})
