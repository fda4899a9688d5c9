import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sotto } from '@sotto/client'
import { type RoomEvidence, roomEvidenceDecoder } from '@sotto/protocol/room'
import { verifyRoom, type VerifiedRoom } from '@sotto/verifier/room'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { measureImage } from '../../packages/cli/src/software-tee/measure.ts'
import { hasQueries } from '../../packages/cli/src/stack/rooms.ts'
import { verifyKms } from '../../packages/cli/src/stack/verify-kms.ts'
import { clientOf, isRunning, startTestStack, type TestStack, urlOf } from './support.ts'

const BOARD = 'ab'.repeat(32)
let stack: TestStack
let sotto: Sotto
let image: string

beforeAll(async () => {
  stack = await startTestStack({ rooms: true, models: ['sotto-hash-embed'], tap: true })
  sotto = await clientOf(stack)
  ;({ digest: image } = await measureImage(join(stack.folder, 'images', 'room')))
}, 180_000)
afterAll(() => stack?.close())

const ask = (path: string): Promise<Response> => sotto.fetch(`${sotto.baseURL}/rooms${path}`)
const pidOf = (name: string): number => stack.roles.find((role) => role.name === name)!.pid

async function shown(): Promise<RoomEvidence> {
  const response = await ask('/room')
  expect(response.status).toBe(200)
  return roomEvidenceDecoder(await response.json(), 'room')
}

async function judge(evidence: RoomEvidence, images: string[]): Promise<ReturnType<typeof verifyRoom>> {
  const { policy } = stack
  const now = Math.floor(Date.now() / 1000)
  const service = await verifyKms(urlOf(stack, 'kms'), urlOf(stack, 'log'), policy, now)
  return verifyRoom(evidence, { service, policy, images, now })
}

test('a room shows through the relay who it is: the measured program that a contract can pin', async () => {
  const { room, steps } = await judge(await shown(), [image])
  expect(steps.filter(({ status }) => status !== 'pass')).toEqual([])
  expect(room).toMatchObject<Partial<VerifiedRoom>>({ tuple: 'room', images: [image] })
  expect(stack.policy.minSecurityVersion.room).toBe(1)
})

test('it is no room for a contract that pins another program, nor with keys that are not its own', async () => {
  const evidence = await shown()
  expect((await judge(evidence, ['cd'.repeat(32)])).room).toBeUndefined()
  const { binding } = evidence
  const another = { ...evidence, binding: { ...binding, wrapKey: binding.receiptKey } }
  expect((await judge(another, [image])).room).toBeUndefined()
})

test('what is asked of a board gets to the boards, and what is asked of the room to the room', async () => {
  const answer = await ask(`/boards/${BOARD}/messages?after=0`)
  expect(answer.status).toBe(404)
  expect(await answer.json()).toMatchObject({ error: { code: 'BOARD_UNKNOWN' } })
  await shown()
  const received = (party: 'rooms' | 'room'): string =>
    Buffer.concat(stack.taps[party]!.captures.flatMap((one) => one.received)).toString('latin1')
  expect(received('rooms')).toMatch(new RegExp(`^GET /v1/boards/${BOARD}/messages`))
  expect(received('rooms')).not.toContain('/v1/room ')
  expect(received('room')).toMatch(/^GET \/v1\/room /)
  expect(received('room')).not.toContain('/v1/boards')
})

test('it says whether it runs queries, which is a matter of what was built', () => {
  const log = readFileSync(join(stack.folder, 'run', 'room.log'), 'utf8')
  expect(log).toContain(`"available":${hasQueries(stack.layout)}`)
})

test('enclaves that are started again are the same ones, the room too', { timeout: 120_000 }, async () => {
  const before = [pidOf('inference'), pidOf('room')]
  const again: string[] = []
  await stack.restartEnclaves((name) => again.push(name))
  expect(again).toEqual(['inference', 'room'])
  expect(before.map(isRunning)).toEqual([false, false])
  expect((await judge(await shown(), [image])).room).toBeDefined()
})

test('nothing is left of it when the stack stops', async () => {
  const pids = stack.roles.map(({ pid }) => pid)
  expect(stack.roles.map(({ name }) => name)).toEqual([
    'witness',
    'log',
    'kms',
    'registry',
    'rooms',
    'inference',
    'room',
    'relay',
  ])
  await stack.stop()
  expect(pids.filter(isRunning)).toEqual([])
  expect(existsSync(join(stack.folder, 'images'))).toBe(false)
})
