import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { verifierKey } from '@sotto/protocol/note'
import type { UploadState } from '@sotto/protocol/sealed-models'
import { type RoleHandle, startRoleProcess, writeConfig } from '../process/role-process.ts'
import { content, createOwner, GENESIS, type Owner, sha256 } from './parties.ts'

const running = new Set<RoleHandle>()
afterEach(async () => {
  for (const role of running) await role.kill('SIGKILL')
  running.clear()
})

const now = (): number => Math.floor(Date.now() / 1000)
const owner: Owner = createOwner({
  get now() {
    return now()
  },
})

/** A configuration with a log that nobody asks: uploads are no entries. */
function configure(folder: string): string {
  const owners = join(folder, 'owners.json')
  writeFileSync(owners, JSON.stringify({ owners: [{ key: owner.key, models: 10, bytes: 1e9 }] }))
  const key = verifierKey('log.example', 'ed25519', owner.signer.publicKey)
  return writeConfig('registry', {
    listen: { port: 0 },
    store: join(folder, 'store'),
    genesis: GENESIS,
    owners,
    log: { url: 'http://127.0.0.1:9', origin: 'log.example', key, witnesses: { keys: [key], quorum: 1 } },
  })
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-registry-process-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function start(config: string): Promise<{ role: RoleHandle; url: string }> {
  const role = await startRoleProcess('registry', config)
  running.add(role)
  return { role, url: role.urls['http']! }
}

const begin = async (url: string, file: Uint8Array): Promise<UploadState> =>
  (await (
    await fetch(`${url}/v1/uploads`, { method: 'POST', body: owner.intent(file) })
  ).json()) as UploadState

const send = (url: string, { upload, offset }: UploadState, body: BodyInit): Promise<Response> =>
  fetch(`${url}/v1/uploads/${upload}`, {
    method: 'PATCH',
    body,
    headers: { 'upload-offset': String(offset) },
    duplex: 'half',
  } as RequestInit)

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

it('a registry killed at any moment loses nothing that it said it has', { timeout: 60_000 }, async () => {
  const folder = newFolder()
  const config = configure(folder)
  const file = content(6_000_000)
  const part = 1_500_000
  for (let round = 0; round < 4; round++) {
    const { role, url } = await start(config)
    const state = await begin(url, file)
    expect(state.offset).toBeGreaterThanOrEqual(round * part)
    const next = file.slice(state.offset, (round + 1) * part)
    if (next.length > 0) await send(url, state, next)
    const said = await begin(url, file)
    const head = await fetch(`${url}/v1/uploads/${said.upload}`, { method: 'HEAD' })
    expect([head.status, head.headers.get('upload-offset')]).toEqual([200, String(said.offset)])
    expect(said.offset).toBe((round + 1) * part)
    // In the middle of the next part.
    if (!said.complete) {
      const sending = send(url, said, slowly(file.slice(said.offset, said.offset + part))).catch(
        () => undefined,
      )
      const stored = join(folder, 'store', 'uploads', `${said.upload}.part`)
      await expect.poll(() => statSync(stored).size, { interval: 1 }).toBeGreaterThan(said.offset)
      await role.kill('SIGKILL')
      running.delete(role)
      await sending
    } else {
      expect(await role.kill('SIGTERM')).toBe(0)
      running.delete(role)
    }
  }
  const digest = sha256(file)
  expect(readFileSync(join(folder, 'store', 'blobs', digest.slice(0, 2), digest)).equals(file)).toBe(true)
  expect(readdirSync(join(folder, 'store', 'uploads'))).toEqual([])
})

it('one store has one process', async () => {
  const config = configure(newFolder())
  await start(config)
  await expect(startRoleProcess('registry', config)).rejects.toThrow('STORE_IN_USE')
})

describe.skipIf(process.getuid?.() !== 0)('on a disk of 4 MiB', () => {
  it(
    'says that it is full, keeps what it had, and goes on when there is room',
    { timeout: 60_000 },
    async (context) => {
      const folder = newFolder()
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder])
      } catch {
        return context.skip('this machine lets nobody mount a small disk')
      }
      onTestFinished(() => void execFileSync('umount', ['-l', folder]))
      const { url } = await start(configure(folder))
      const file = content(3_000_000)
      const state = await begin(url, file)
      writeFileSync(join(folder, 'others'), new Uint8Array(2_000_000))
      const full = await send(url, state, file)
      expect([full.status, await full.json()]).toMatchObject([
        507,
        { error: { code: 'REGISTRY_DISK_FULL', action: 'retry' } },
      ])
      rmSync(join(folder, 'others'))
      const kept = await begin(url, file)
      expect(kept.upload).toBe(state.upload)
      const rest = await send(url, kept, file.slice(kept.offset))
      expect(await rest.json()).toMatchObject({ complete: true })
    },
  )
})
