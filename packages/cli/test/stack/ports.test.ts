import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { choosePorts } from '../../src/stack/state.ts'

let folder: string
let file: string
let other: Server | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-test-ports-'))
  file = join(folder, 'ports.json')
})
afterEach(async () => {
  await new Promise<void>((resolve) => (other ? other.close(() => resolve()) : resolve()))
  other = undefined
  await rm(folder, { recursive: true })
})

it('chooses ports that no outgoing connection is given, one for each role', async () => {
  const ports = Object.values(await choosePorts(file, ['log', 'kms', 'relay']))
  expect(new Set(ports).size).toBe(3)
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(20_000)
    expect(port).toBeLessThan(32_768)
  }
})

it('keeps them from one start to the next, and gives up only what somebody else has', async () => {
  const first = await choosePorts(file, ['log', 'kms'])
  expect(await choosePorts(file, ['log', 'kms'])).toEqual(first)
  other = createServer()
  await new Promise<void>((resolve) => other!.listen(first.log, '127.0.0.1', resolve))
  const second = await choosePorts(file, ['log', 'kms'])
  expect(second.kms).toBe(first.kms)
  expect(second.log).not.toBe(first.log)
})

it('does not keep a port of an earlier version that a connection may take', async () => {
  await writeFile(file, JSON.stringify({ log: 40_000 }))
  expect((await choosePorts(file, ['log'])).log).toBeLessThan(32_768)
})
