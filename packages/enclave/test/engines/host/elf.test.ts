import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ElfFile, type ElfLoads, readElfLoads } from '../../../src/engines/host/elf.ts'
import { buildElf } from './build-elf.ts'

const fileOf = (bytes: Uint8Array): ElfFile => ({
  size: bytes.length,
  read: (offset, length) => bytes.subarray(offset, offset + length),
})
const read = (bytes: Uint8Array): ElfLoads => readElfLoads(fileOf(bytes))
const changed = (change: (view: DataView) => void, bytes = buildElf({ libraries: [] })): Uint8Array => {
  change(new DataView(bytes.buffer))
  return bytes
}
const SEGMENT = 64

describe('what a program loads', () => {
  it('is nothing where it is one static program, position-independent or not', () => {
    expect(read(buildElf())).toEqual({ interpreter: undefined, libraries: [] })
    expect(read(buildElf({ libraries: [] }))).toEqual({ interpreter: undefined, libraries: [] })
    expect(read(changed((view) => view.setUint16(16, 3, true)))).toMatchObject({ libraries: [] })
    // GNU/Linux by name: static programs of glibc say so.
    expect(read(changed((view) => view.setUint8(7, 3)))).toMatchObject({ libraries: [] })
  })

  it('is its dynamic linker, and every library it names, by whatever tag', () => {
    const interpreter = '/lib64/ld-linux-x86-64.so.2'
    expect(read(buildElf({ interpreter })).interpreter).toBe(interpreter)
    const tags = [1, 0x6ffffefb, 0x6ffffefc, 0x7ffffffd, 0x7fffffff]
    const libraries = tags.map((tag, at) => ({ tag, name: `lib${at}.so` }))
    expect(read(buildElf({ libraries })).libraries).toEqual(libraries.map(({ name }) => name))
    // An rpath loads nothing by itself.
    expect(read(buildElf({ libraries: [{ tag: 29, name: '/opt' }] })).libraries).toEqual([])
  })

  it('is found in the program that runs this', () => {
    const loads = read(readFileSync(process.execPath))
    expect(loads.interpreter).toMatch(/^\/.*ld-/)
    expect(loads.libraries.join()).toMatch(/libc\./)
  })

  it('is what was written, whatever that is', () => {
    const name = fc.stringMatching(/^[\x21-\x7e]{1,60}$/)
    fc.assert(
      fc.property(fc.option(name), fc.option(fc.array(name, { maxLength: 20 })), (interpreter, libraries) => {
        const parts = { ...(interpreter !== null && { interpreter }), ...(libraries && { libraries }) }
        expect(read(buildElf(parts))).toEqual({
          interpreter: interpreter ?? undefined,
          libraries: libraries ?? [],
        })
      }),
      { numRuns: 60 },
    )
  })
})

describe('a file that is no such program is refused', () => {
  const dynamic = (): Uint8Array<ArrayBuffer> => buildElf({ libraries: ['libx.so'] })
  /** The second program header is that of the dynamic section; its entries: the library, the strings, their size, the end. */
  const entriesOf = (view: DataView): number => Number(view.getBigUint64(SEGMENT + 56 + 8, true))

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['a script', Buffer.from(`#!/bin/sh\n${'exec x\n'.repeat(20)}`)],
    ['another magic', changed((view) => view.setUint8(3, 0x47))],
    ['32 bits', changed((view) => view.setUint8(4, 1))],
    ['big-endian', changed((view) => view.setUint8(5, 2))],
    ['another version of the identification', changed((view) => view.setUint8(6, 2))],
    ['for another system', changed((view) => view.setUint8(7, 9))],
    ['an object file', changed((view) => view.setUint16(16, 1, true))],
    ['a core', changed((view) => view.setUint16(16, 4, true))],
    ['another version', changed((view) => view.setUint32(20, 2, true))],
    ['another size of the header', changed((view) => view.setUint16(52, 52, true))],
    ['another size of a program header', changed((view) => view.setUint16(54, 32, true))],
    ['no program headers', changed((view) => view.setUint16(56, 0, true))],
    ['more than are looked at', changed((view) => view.setUint16(56, 0xffff, true))],
    ['a table behind its end', changed((view) => view.setBigUint64(32, 1n << 40n, true))],
    ['a table where no number reaches', changed((view) => view.setBigUint64(32, 2n ** 64n - 1n, true))],
    ['a segment behind its end', changed((view) => view.setBigUint64(SEGMENT + 32, 1n << 40n, true))],
    [
      'two interpreters',
      changed((view) => {
        for (const at of [0, 1]) view.setUint32(SEGMENT + 56 * at, 3, true)
      }),
    ],
    [
      'an interpreter without an end',
      changed((view) => {
        view.setUint32(SEGMENT, 3, true)
        view.setBigUint64(SEGMENT + 32, 4n, true)
      }),
    ],
    [
      'an interpreter without a name',
      changed(
        (view) => view.setUint8(Number(view.getBigUint64(SEGMENT + 56 + 8, true)), 0),
        buildElf({ interpreter: '/lib/ld.so' }),
      ),
    ],
    [
      'a dynamic section of half an entry',
      changed((view) => view.setBigUint64(SEGMENT + 56 + 32, 24n, true)),
    ],
    ['a dynamic section without an end', changed((view) => view.setBigUint64(SEGMENT + 56 + 32, 16n, true))],
    [
      'a library without a name',
      changed((view) => view.setBigUint64(entriesOf(view) + 8, 1n << 20n, true), dynamic()),
    ],
    [
      'names that are not loaded',
      changed((view) => view.setBigUint64(entriesOf(view) + 24, 0n, true), dynamic()),
    ],
    ['no names at all', changed((view) => view.setBigUint64(entriesOf(view) + 16, 29n, true), dynamic())],
  ])('%s', (_, bytes) => {
    expect(() => read(bytes)).toThrow(expect.objectContaining({ code: 'ENGINE_PROGRAM_NOT_STATIC' }) as Error)
  })

  it('one that is cut anywhere before what is looked at ends', () => {
    const whole = buildElf({ interpreter: '/lib/ld.so', libraries: ['libx.so'] })
    for (let length = 0; length < whole.length; length++)
      expect(() => read(whole.subarray(0, length)), `${length} bytes`).toThrow(
        expect.objectContaining({ code: 'ENGINE_PROGRAM_NOT_STATIC' }) as Error,
      )
  })

  it('with that code and no other, whatever byte is wrong', () => {
    const whole = buildElf({ interpreter: '/lib/ld.so', libraries: ['libx.so', 'liby.so'] })
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: whole.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, by) => {
          const bytes = whole.slice()
          bytes[at]! ^= by
          try {
            read(bytes)
          } catch (error) {
            expect(error).toMatchObject({ code: 'ENGINE_PROGRAM_NOT_STATIC', action: 'stop' })
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
