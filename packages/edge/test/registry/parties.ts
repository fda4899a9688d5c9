import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { DsseSigner } from '@sotto/protocol/dsse'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import {
  type LoggedModelDocument,
  loggedModelDocumentDecoder,
  type ModelReader,
  type ModelRemoval,
  type ModelStatement,
  ownerTag,
  signOwnerDocument,
  type UploadIntent,
  type UploadState,
  uploadStateDecoder,
} from '@sotto/protocol/sealed-models'
import { createFakeLog, type FakeLog } from '@sotto/testkit'
import { openRegistry, type RunningRegistry } from '../../src/registry/index.ts'
import { appendTo } from '../issuer/parties.ts'

export const GENESIS = 'ab'.repeat(32)

/** An owner of models, with what it signs. */
export interface Owner {
  signer: DsseSigner
  key: string
  tag: string
  intent(content: Uint8Array, change?: Partial<UploadIntent>): string
  statement(content: Uint8Array, change?: Partial<ModelStatement>): string
  removal(change?: Partial<ModelRemoval>): string
}

export interface TestRegistry extends RunningRegistry {
  clock: { now: number }
  log: FakeLog
  /** Called before and after each append; may throw. */
  onAppend: { before: (entry: Uint8Array) => void; after: () => void }
  folder: string
  errors: string[]
  reader: ModelReader
  /** The process ends and another one starts on the same files. */
  restart(): TestRegistry
  /** As {@link restart}, of one that was closed. */
  reopen(): TestRegistry
  admit(owners: readonly { key: string; models?: number; bytes?: number }[]): void
  call(method: string, path: string, body?: BodyInit, headers?: Record<string, string>): Promise<Response>
  /** Uploads in parts of this many bytes. */
  upload(owner: Owner, content: Uint8Array, part?: number): Promise<UploadState>
}

export function createOwner(clock: { now: number }): Owner {
  const { seed: secretSeed, publicKey } = crypto.ed25519.generate()
  const signer = { secretSeed, publicKey }
  const key = toBase64Url(publicKey)
  const about = { genesis: GENESIS, owner: key }
  return {
    signer,
    key,
    tag: ownerTag(publicKey),
    intent: (content, change = {}) =>
      signOwnerDocument(
        'upload',
        {
          format: 'sotto-model-upload/1',
          ...about,
          digest: sha256(content),
          bytes: content.length,
          createdAt: clock.now,
          ...change,
        },
        signer,
      ),
    statement: (content, change = {}) =>
      signOwnerDocument(
        'statement',
        {
          format: 'sotto-model-statement/1',
          ...about,
          name: 'notes',
          version: 1,
          artifact: 'cd'.repeat(16),
          digest: sha256(content),
          bytes: content.length,
          model: '34'.repeat(32),
          task: 'text-generation',
          policy: '56'.repeat(32),
          createdAt: clock.now,
          ...change,
        },
        signer,
      ),
    removal: (change = {}) =>
      signOwnerDocument(
        'removal',
        {
          format: 'sotto-model-removal/1',
          ...about,
          name: 'notes',
          version: 'all',
          createdAt: clock.now,
          ...change,
        },
        signer,
      ),
  }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A registry on files of its own, with a log in memory. */
export function openTestRegistry(options: { maxPages?: number; clock?: { now: number } } = {}): TestRegistry {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-registry-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const clock = options.clock ?? { now: 1_800_000_000 }
  const log = createFakeLog()
  const owners = join(folder, 'owners.json')
  const onAppend: TestRegistry['onAppend'] = { before: (): void => undefined, after: (): void => undefined }

  function start(): TestRegistry {
    const errors: string[] = []
    const registry = openRegistry({
      store: join(folder, 'store'),
      genesis: GENESIS,
      owners,
      uploadRestSeconds: 3600,
      maxUploads: 3,
      log: {
        async append(entry) {
          onAppend.before(entry)
          const proven = await appendTo(log, () => clock.now)(entry)
          onAppend.after()
          return proven
        },
      },
      now: () => clock.now,
      onError: (code) => errors.push(code),
      ...(options.maxPages !== undefined && { maxPages: options.maxPages }),
    })
    const call: TestRegistry['call'] = async (method, path, body, headers = {}) =>
      registry.app(
        new Request(`http://models.test${path}`, {
          method,
          headers,
          ...(body !== undefined && { body, duplex: 'half' }),
        }),
      )
    return {
      ...registry,
      clock,
      log,
      onAppend,
      folder: join(folder, 'store'),
      errors,
      reader: {
        genesis: GENESIS,
        log: { origin: log.origin, logKey: log.key, witnessKeys: log.witnessKeys, quorum: 2 },
      },
      restart() {
        registry.close()
        return start()
      },
      reopen: start,
      admit(list) {
        const full = list.map(({ key, models = 10, bytes = 10_000_000 }) => ({ key, models, bytes }))
        writeFileSync(owners, JSON.stringify({ owners: full }))
      },
      call,
      async upload(owner, content, part = content.length) {
        let state = await stateOf(await call('POST', '/v1/uploads', owner.intent(content)))
        while (!state.complete) {
          const body = content.slice(state.offset, state.offset + part)
          const headers = { 'upload-offset': String(state.offset) }
          state = await stateOf(await call('PATCH', `/v1/uploads/${state.upload}`, body, headers))
        }
        return state
      },
    }
  }
  return start()
}

export async function stateOf(response: Response): Promise<UploadState> {
  return decoded(response, (bytes) => decodeDocument(bytes, uploadStateDecoder))
}

export async function loggedOf(response: Response): Promise<LoggedModelDocument> {
  return decoded(response, (bytes) => decodeDocument(bytes, loggedModelDocumentDecoder))
}

async function decoded<T>(response: Response, decode: (bytes: Uint8Array) => T): Promise<T> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  if (response.status !== 200) throw new Error(`${response.status} ${fromUtf8(bytes)}`)
  return decode(bytes)
}

/** Status and code of a refusal. */
export async function refusalOf(answer: Promise<Response>): Promise<string> {
  const response = await answer
  const { error } = (await response.json()) as { error?: { code: string } }
  return `${response.status} ${error?.code}`
}

/** Bytes of a file that nobody has to be able to open: the registry looks at none. */
export function content(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  for (let at = 0, state = seed; at < size; at++) bytes[at] = state = (state * 1_103_515_245 + 12_345) & 0xff
  bytes.set(utf8(`file ${seed}`))
  return bytes
}
