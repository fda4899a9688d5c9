import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { content, createOwner, loggedOf, openTestRegistry, refusalOf, stateOf } from './parties.ts'

it('with a full disk an upload says so, keeps what it had, and goes on when there is room', async () => {
  const registry = openTestRegistry()
  const owner = createOwner(registry.clock)
  registry.admit([owner])
  const file = content(10_000)
  const served = content(500, 2)
  await registry.upload(owner, served)
  await loggedOf(await registry.call('PUT', '/v1/models', owner.statement(served)))

  const { upload } = await stateOf(await registry.call('POST', '/v1/uploads', owner.intent(file)))
  const patch = (at: number): Promise<Response> =>
    registry.call('PATCH', `/v1/uploads/${upload}`, file.slice(at), { 'upload-offset': String(at) })
  await registry.call('PATCH', `/v1/uploads/${upload}`, file.slice(0, 4000), { 'upload-offset': '0' })

  const part = join(registry.folder, 'uploads', `${upload}.part`)
  rmSync(part)
  symlinkSync('/dev/full', part)
  expect(await refusalOf(patch(4000))).toBe('507 REGISTRY_DISK_FULL')
  expect(await stateOf(await registry.call('GET', `/v1/uploads/${upload}`))).toMatchObject({ offset: 4000 })
  expect((await registry.call('GET', `/v1/models/${owner.tag}/notes`)).status).toBe(200)

  rmSync(part)
  writeFileSync(part, file.slice(0, 4000))
  expect(await stateOf(await patch(4000))).toMatchObject({ complete: true })
})

it('with a full database nothing is shown that is not kept, and the same request works when there is room', async () => {
  const registry = openTestRegistry({ maxPages: 14 })
  const owner = createOwner(registry.clock)
  registry.admit([{ ...owner, models: 1000 }])
  const file = content(500)
  await registry.upload(owner, file)
  let version = 1
  let refused = ''
  while (refused === '') {
    const answer = await registry.call('PUT', '/v1/models', owner.statement(file, { version }))
    if (answer.status === 200) version++
    else refused = await refusalOf(Promise.resolve(answer))
  }
  expect(refused).toBe('507 REGISTRY_DISK_FULL')
  expect(version).toBeGreaterThan(1)
  const shown = (number: number): Promise<Response> =>
    registry.call('GET', `/v1/models/${owner.tag}/notes:${number}`)
  expect((await shown(version - 1)).status).toBe(200)
  expect((await shown(version)).status).toBe(404)
  const after = registry.restart()
  expect((await after.call('GET', `/v1/models/${owner.tag}/notes`)).status).toBe(200)
})
