import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createWaitingRoom } from '../../src/ram/waiting-room.ts'

function readAll(file: { read(position: number): Uint8Array }): Buffer {
  const parts: Uint8Array[] = []
  for (let at = 0; ;) {
    const part = file.read(at)
    if (part.length === 0) return Buffer.concat(parts)
    parts.push(part)
    at += part.length
  }
}

test('gives back what was written, in pieces of its own size', () => {
  const room = createWaitingRoom({ maxFiles: 2, maxBytes: 1_000_000 })
  const file = room.open()!
  const bytes = randomBytes(300_000)
  for (let at = 0; at < bytes.length; at += 70_001)
    expect(file.append(bytes.subarray(at, at + 70_001))).toBe(true)
  expect(readAll(file)).toEqual(bytes)
  file.close()
})

test('two files share the bytes of the room and not each other’s', () => {
  const room = createWaitingRoom({ maxFiles: 2, maxBytes: 100 })
  const [a, b] = [room.open()!, room.open()!]
  expect([room.open(), room.files]).toEqual([undefined, 2])
  expect([a.append(Buffer.alloc(60, 1)), b.append(Buffer.alloc(41, 2))]).toEqual([true, false])
  expect([b.append(Buffer.alloc(40, 2)), b.append(Buffer.alloc(1))]).toEqual([true, false])
  expect([readAll(a), readAll(b)]).toEqual([Buffer.alloc(60, 1), Buffer.alloc(40, 2)])
  a.close()
  expect([b.append(Buffer.alloc(60)), room.files]).toEqual([true, 1])
  b.close()
})

test('a closed file is empty, takes nothing, and closes once', () => {
  const room = createWaitingRoom({ maxFiles: 1, maxBytes: 100 })
  const file = room.open()!
  expect(file.append(Buffer.alloc(100))).toBe(true)
  file.close()
  file.close()
  expect([room.files, file.append(Buffer.alloc(1)), file.read(0).length]).toEqual([0, false, 0])
  // All of its bytes are free again, and none twice.
  const next = room.open()!
  expect([next.append(Buffer.alloc(100)), next.append(Buffer.alloc(1))]).toEqual([true, false])
  next.close()
})

test('a directory on a disk is refused before anything is written to it', () => {
  const directory = import.meta.dirname
  const before = readdirSync(directory)
  expect(() => createWaitingRoom({ maxFiles: 1, maxBytes: 1, directory })).toThrow()
  expect(readdirSync(directory)).toEqual(before)
})

test('so is one that is not there', () => {
  expect(() => createWaitingRoom({ maxFiles: 1, maxBytes: 1, directory: '/nowhere' })).toThrow()
})
