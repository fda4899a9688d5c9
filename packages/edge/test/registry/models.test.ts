import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import { type ModelList, modelListDecoder, verifyLoggedDocument } from '@sotto/protocol/sealed-models'
import { claim } from '../../../../test/claims.ts'
import {
  content,
  createOwner,
  loggedOf,
  openTestRegistry,
  type Owner,
  refusalOf,
  sha256,
  type TestRegistry,
} from './parties.ts'

let registry: TestRegistry
let owner: Owner
const FILE = content(1000)

beforeEach(async () => {
  registry = openTestRegistry()
  owner = createOwner(registry.clock)
  registry.admit([owner])
  await registry.upload(owner, FILE)
})

const put = (statement: string): Promise<Response> => registry.call('PUT', '/v1/models', statement)
const remove = (removal: string): Promise<Response> => registry.call('POST', '/v1/removals', removal)
const show = (name: string): Promise<Response> => registry.call('GET', `/v1/models/${owner.tag}/${name}`)
const list = async (query: string): Promise<ModelList> => {
  const response = await registry.call('GET', `/v1/models?${query}`)
  return decodeDocument(new Uint8Array(await response.arrayBuffer()), modelListDecoder, 'list', 300_000)
}
const envelopeAt = (index: number): string => fromUtf8(registry.log.entries[index]!)

describe('a model', () => {
  it(claim('models.owner', 'is shown with the proof that its statement is in the log'), async () => {
    const statement = owner.statement(FILE)
    const logged = await loggedOf(await put(statement))
    expect(envelopeAt(logged.index)).toBe(statement)
    expect(verifyLoggedDocument('statement', logged, registry.reader).document).toMatchObject({ version: 1 })
    for (const name of ['notes', 'notes:1']) expect(await loggedOf(await show(name))).toEqual(logged)
    registry = registry.restart()
    expect(await loggedOf(await show('notes'))).toEqual(logged)
    expect(await refusalOf(show('notes:2'))).toBe('404 REGISTRY_MODEL_UNKNOWN')
    expect(await refusalOf(show('other'))).toBe('404 REGISTRY_MODEL_UNKNOWN')
    expect(await refusalOf(show('Other'))).toBe('400 MODEL_NAME')
  })

  it(claim('models.owner', 'is replaced by its owner alone, by a higher version alone'), async () => {
    const other = createOwner(registry.clock)
    registry.admit([owner, other])
    await put(owner.statement(FILE, { version: 2 }))
    expect(await refusalOf(put(owner.statement(FILE, { version: 2, task: 'embedding' })))).toBe(
      '409 REGISTRY_VERSION',
    )
    expect(await refusalOf(put(owner.statement(FILE, { version: 1 })))).toBe('409 REGISTRY_VERSION')
    expect(await refusalOf(put(other.statement(FILE, { owner: owner.key, version: 3 })))).toBe(
      '403 MODEL_SIGNATURE',
    )
    // The same name of another owner is another model.
    await loggedOf(await put(other.statement(FILE, { version: 3 })))
    expect((await list(`owner=${owner.tag}`)).models).toHaveLength(1)
    await loggedOf(await put(owner.statement(FILE, { version: 3 })))
    const { document } = verifyLoggedDocument(
      'statement',
      await loggedOf(await show('notes')),
      registry.reader,
    )
    expect(document).toMatchObject({ version: 3, owner: owner.key })
    expect(await loggedOf(await show('notes:2'))).toBeDefined()
  })

  it('is not shown without its file, without room, by a stranger, or after its end', async () => {
    const { now } = registry.clock
    expect(await refusalOf(put(owner.statement(content(1000, 9))))).toBe('409 REGISTRY_BLOB_MISSING')
    expect(await refusalOf(put(owner.statement(FILE, { bytes: 999 })))).toBe('409 REGISTRY_BLOB_MISSING')
    expect(await refusalOf(put(owner.statement(FILE, { createdAt: now + 11 })))).toBe('400 REGISTRY_TIME')
    const past = owner.statement(FILE, { createdAt: now - 100, expiresAt: now })
    expect(await refusalOf(put(past))).toBe('410 REGISTRY_MODEL_REMOVED')
    expect(await refusalOf(put(createOwner(registry.clock).statement(FILE)))).toBe('403 REGISTRY_OWNER')
    registry.admit([{ ...owner, models: 1 }])
    await loggedOf(await put(owner.statement(FILE)))
    expect(await refusalOf(put(owner.statement(FILE, { version: 2 })))).toBe('403 REGISTRY_QUOTA')
    registry.admit([{ ...owner, bytes: 1999 }])
    expect(await refusalOf(put(owner.statement(FILE, { version: 2 })))).toBe('403 REGISTRY_QUOTA')
    expect(registry.log.size).toBe(1)
  })

  it('gets the same answer again, and one place in the log, when its owner did not hear the first', async () => {
    const statement = owner.statement(FILE)
    registry.onAppend.after = () => {
      throw new SottoError('LOG_UNREACHABLE', 'retry', 'the answer was lost')
    }
    expect(await refusalOf(put(statement))).toBe('503 LOG_UNREACHABLE')
    expect(await refusalOf(show('notes'))).toBe('404 REGISTRY_MODEL_UNKNOWN')
    registry.onAppend.after = () => undefined
    const both = await Promise.all(
      [put(statement), put(statement)].map(async (answer) => loggedOf(await answer)),
    )
    expect(both[0]).toEqual(both[1])
    expect(await loggedOf(await put(statement))).toEqual(both[0])
    expect(registry.log.size).toBe(1)
  })

  it('cannot fill the log', async () => {
    registry.admit([{ ...owner, models: 100 }])
    const answers: string[] = []
    for (let version = 1; version <= 40; version++)
      answers.push(String((await put(owner.statement(FILE, { version }))).status))
    expect(answers.filter((status) => status === '200').length).toBeLessThan(40)
    expect(answers.at(-1)).toBe('429')
  })

  it('ends when its owner said so, and its file with it', async () => {
    const until = { expiresAt: registry.clock.now + 60 }
    await loggedOf(await put(owner.statement(FILE, until)))
    registry.clock.now += 60
    expect(await refusalOf(show('notes'))).toBe('410 REGISTRY_MODEL_REMOVED')
    expect(await refusalOf(registry.call('GET', `/artifacts/${sha256(FILE)}`))).toBe(
      '404 REGISTRY_MODEL_UNKNOWN',
    )
    expect(await registry.tick()).toEqual({ models: 1, uploads: 0, blobs: 1 })
    expect(existsSync(join(registry.folder, 'blobs', sha256(FILE).slice(0, 2), sha256(FILE)))).toBe(false)
  })
})

describe('a removal', () => {
  it(claim('models.removal', 'ends every version until then, at once and for good'), async () => {
    const first = owner.statement(FILE)
    await loggedOf(await put(first))
    const removal = owner.removal()
    const logged = await loggedOf(await remove(removal))
    expect(verifyLoggedDocument('removal', logged, registry.reader).document).toMatchObject({
      version: 'all',
    })
    expect(await refusalOf(show('notes'))).toBe('410 REGISTRY_MODEL_REMOVED')
    expect(existsSync(join(registry.folder, 'blobs', sha256(FILE).slice(0, 2), sha256(FILE)))).toBe(false)
    registry = registry.restart()
    // Whoever kept the statement and the file cannot put them back.
    await registry.upload(owner, FILE)
    expect(await refusalOf(put(first))).toBe('410 REGISTRY_MODEL_REMOVED')
    const old = owner.statement(FILE, { version: 7 })
    expect(await refusalOf(put(old))).toBe('410 REGISTRY_MODEL_REMOVED')
    expect(await loggedOf(await remove(removal))).toEqual(logged)
    expect(await refusalOf(remove(owner.removal({ createdAt: registry.clock.now + 1 })))).toBe(
      '410 REGISTRY_MODEL_REMOVED',
    )
    registry.clock.now += 1
    expect(await refusalOf(put(owner.statement(FILE)))).toBe('409 REGISTRY_VERSION')
    expect(await list(`owner=${owner.tag}&name=notes`)).toEqual({ models: [], highest: 1 })
    await loggedOf(await put(owner.statement(FILE, { version: 2 })))
  })

  it('of one version leaves the others', async () => {
    for (const version of [1, 2]) await put(owner.statement(FILE, { version }))
    await loggedOf(await remove(owner.removal({ version: 2 })))
    const { document } = verifyLoggedDocument(
      'statement',
      await loggedOf(await show('notes')),
      registry.reader,
    )
    expect(document.version).toBe(1)
    expect(await refusalOf(show('notes:2'))).toBe('410 REGISTRY_MODEL_REMOVED')
    const { status } = await registry.call('GET', `/artifacts/${sha256(FILE)}`)
    expect(status).toBe(200)
  })

  it('stops serving even while the log does not answer, and reaches it later', async () => {
    await put(owner.statement(FILE))
    registry.onAppend.before = () => {
      throw new SottoError('LOG_UNREACHABLE', 'retry', 'the log does not answer')
    }
    const removal = owner.removal()
    expect(await refusalOf(remove(removal))).toBe('503 LOG_UNREACHABLE')
    expect(await refusalOf(show('notes'))).toBe('410 REGISTRY_MODEL_REMOVED')
    expect(await refusalOf(remove(removal))).toBe('503 LOG_UNREACHABLE')
    registry = registry.restart()
    registry.onAppend.before = () => undefined
    await registry.tick()
    expect(registry.log.entries.some((entry) => fromUtf8(entry) === removal)).toBe(true)
    expect(await loggedOf(await remove(removal))).toMatchObject({ envelope: removal })
    expect(registry.log.size).toBe(2)
  })

  it('by somebody else, of nothing, or of the future does nothing', async () => {
    await put(owner.statement(FILE))
    const other = createOwner(registry.clock)
    expect(await refusalOf(remove(other.removal({ owner: owner.key })))).toBe('403 MODEL_SIGNATURE')
    expect(await refusalOf(remove(other.removal()))).toBe('404 REGISTRY_MODEL_UNKNOWN')
    expect(await refusalOf(remove(owner.removal({ version: 9 })))).toBe('404 REGISTRY_MODEL_UNKNOWN')
    const future = owner.removal({ createdAt: registry.clock.now + 11 })
    expect(await refusalOf(remove(future))).toBe('400 REGISTRY_TIME')
    expect((await show('notes')).status).toBe(200)
    expect(registry.log.size).toBe(1)
    // An owner that was shut out may still take back what is its own.
    registry.admit([])
    await loggedOf(await remove(owner.removal()))
  })
})

describe('a list', () => {
  it('has every version, page by page', async () => {
    registry.admit([{ ...owner, models: 100, bytes: 1_000_000 }])
    registry = registry.restart()
    for (let n = 0; n < 70; n++) {
      // The log's pace is not the question here.
      if (n % 30 === 29) registry = registry.restart()
      await loggedOf(await put(owner.statement(FILE, { name: `m${n % 7}`, version: n + 1 })))
    }
    const first = await list(`owner=${owner.tag}`)
    expect(first.models).toHaveLength(64)
    const second = await list(`owner=${owner.tag}&after=${first.next}`)
    expect(second.models).toHaveLength(6)
    expect(second.next).toBeUndefined()
    const all = [...first.models, ...second.models]
    expect(new Set(all.map(({ index }) => index)).size).toBe(70)
    for (const { envelope, index } of all) expect(envelopeAt(index)).toBe(envelope)
    expect((await list(`owner=${owner.tag}&name=m3`)).models).toHaveLength(10)
  })

  it('is of one owner, by tag', async () => {
    expect(await refusalOf(registry.call('GET', '/v1/models'))).toBe('404 REGISTRY_MODEL_UNKNOWN')
    expect(await refusalOf(registry.call('GET', `/v1/models?owner=${owner.tag}&after=x`))).toBe(
      '404 REGISTRY_MODEL_UNKNOWN',
    )
    expect(await list(`owner=${createOwner(registry.clock).tag}`)).toEqual({ models: [] })
  })
})

it('has no other route, and no other method', async () => {
  expect(await refusalOf(registry.call('GET', '/'))).toBe('404 HTTP_NOT_FOUND')
  expect(await refusalOf(registry.call('DELETE', `/v1/models/${owner.tag}/notes`))).toBe('404 HTTP_NOT_FOUND')
})
