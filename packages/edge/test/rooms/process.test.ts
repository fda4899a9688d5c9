import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BoardFile, BoardPage } from '@sotto/protocol/room'
import { afterEach, expect, it, onTestFinished } from 'vitest'
import { type RoleHandle, startRoleProcess, writeConfig } from '../process/role-process.ts'
import { content, sha256 } from '../registry/parties.ts'
import { bytesOf, createParty, GENESIS } from './parties.ts'

const running = new Set<RoleHandle>()
afterEach(async () => {
  for (const role of running) await role.kill('SIGKILL')
  running.clear()
})

const party = createParty({
  get now() {
    return Math.floor(Date.now() / 1000)
  },
})

function configure(): { config: string; store: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-rooms-process-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const owners = join(folder, 'owners.json')
  const store = join(folder, 'store')
  writeFileSync(owners, JSON.stringify({ owners: [{ key: party.key, models: 1, bytes: 1e9 }] }))
  return { config: writeConfig('rooms', { listen: { port: 0 }, store, genesis: GENESIS, owners }), store }
}

async function start(config: string): Promise<{ role: RoleHandle; url: string }> {
  const role = await startRoleProcess('rooms', config)
  running.add(role)
  return { role, url: role.urls['http']! }
}

/** Comes slowly, so that there is a middle of it. */
function slowly(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      controller.enqueue(bytes.subarray(at, (at += 16_384)))
      if (at >= bytes.length) controller.close()
    },
  })
}

it('boards killed at any moment lose nothing that they said they have', { timeout: 60_000 }, async () => {
  const { config, store } = configure()
  const board = party.board()
  const file = content(6_000_000)
  const part = 1_500_000
  const digest = sha256(file)
  for (let round = 0; round < 4; round++) {
    const { role, url } = await start(config)
    const at = `${url}/v1/boards/${board.id}`
    const call = (method: string, path: string, body?: BodyInit, headers = {}): Promise<Response> =>
      fetch(`${at}${path}`, {
        method,
        headers: { ...board.bearer, ...headers },
        ...(body !== undefined && { body, duplex: 'half' }),
      } as RequestInit)
    const begin = async (): Promise<BoardFile> =>
      (await (
        await call('POST', '/files', JSON.stringify({ digest, bytes: file.length }))
      ).json()) as BoardFile
    const send = (offset: number, body: BodyInit): Promise<Response> =>
      call('PATCH', `/files/${digest}`, body, { 'upload-offset': String(offset) })

    expect((await call('PUT', '', board.opening())).status).toBe(200)
    const posted = await call('POST', '/messages', `message ${round}`)
    expect(await posted.json()).toEqual({ index: round + 1 })
    const { messages } = (await (await call('GET', '/messages')).json()) as BoardPage
    expect(messages.map(({ message }) => Buffer.from(message, 'base64url').toString())).toEqual(
      Array.from({ length: round + 1 }, (_, n) => `message ${n}`),
    )
    const { offset } = await begin()
    expect(offset).toBeGreaterThanOrEqual(round * part)
    const next = file.slice(offset, (round + 1) * part)
    if (next.length > 0) expect((await send(offset, next)).status).toBe(200)
    const said = await begin()
    expect(said.offset).toBe((round + 1) * part)
    if (said.complete) {
      expect((await fetch(`${url}/readyz`)).status).toBe(200)
      expect(await bytesOf(await call('GET', `/files/${digest}`))).toEqual(file)
      expect(await role.kill('SIGTERM')).toBe(0)
      expect(role.stderr()).not.toMatch(new RegExp(`${board.id}|${party.key}|${digest}|Bearer`))
    } else {
      // In the middle of the next part.
      const sending = send(said.offset, slowly(file.slice(said.offset, said.offset + part))).catch(
        () => undefined,
      )
      const stored = join(store, 'files', readdirSync(join(store, 'files'))[0]!)
      await expect.poll(() => statSync(stored).size, { interval: 1 }).toBeGreaterThan(said.offset)
      await role.kill('SIGKILL')
      await sending
    }
    running.delete(role)
  }
})

it('one store has one process', async () => {
  const { config } = configure()
  await start(config)
  await expect(startRoleProcess('rooms', config)).rejects.toThrow('STORE_IN_USE')
})
