import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { choosePorts } from '../../src/stack/ports.ts'

let folder: string
let file: string
let other: Server | undefined
let held: { giveBack(): void }[] = []
const choose = async (names: readonly string[], from = file): Promise<Readonly<Record<string, number>>> => {
  const chosen = await choosePorts(from, names)
  held.push(chosen)
  return chosen.ports
}
/** As when the roles of a stack are gone. */
const end = (): void => {
  for (const chosen of held) chosen.giveBack()
  held = []
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-test-ports-'))
  file = join(folder, 'ports.json')
})
afterEach(async () => {
  end()
  await new Promise<void>((resolve) => (other ? other.close(() => resolve()) : resolve()))
  other = undefined
  await rm(folder, { recursive: true })
})

it('chooses ports that no outgoing connection is given, one for each role', async () => {
  const ports = Object.values(await choose(['log', 'kms', 'relay']))
  expect(new Set(ports).size).toBe(3)
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(20_000)
    expect(port).toBeLessThan(32_768)
  }
})

it('keeps them from one start to the next, and gives up only what somebody else has', async () => {
  const first = await choose(['log', 'kms'])
  end()
  expect(await choose(['log', 'kms'])).toEqual(first)
  end()
  other = createServer()
  await new Promise<void>((resolve) => other!.listen(first.log, '127.0.0.1', resolve))
  const second = await choose(['log', 'kms'])
  expect(second.kms).toBe(first.kms)
  expect(second.log).not.toBe(first.log)
})

it('does not keep a port of an earlier version that a connection may take', async () => {
  await writeFile(file, JSON.stringify({ log: 40_000 }))
  expect((await choose(['log'])).log).toBeLessThan(32_768)
})

it.runIf(process.platform === 'linux')(
  'gives no port to another stack that starts before the roles of the first listen',
  async () => {
    const first = await choose(['log', 'kms'])
    const another = join(folder, 'another.json')
    await writeFile(another, JSON.stringify(first))
    const second = await choose(['log', 'kms'], another)
    expect(Object.values(first)).not.toContain(second['log'])
    expect(Object.values(first)).not.toContain(second['kms'])
    end()
    expect(await choose(['log', 'kms'])).toEqual(first)
  },
)
