import { describe, expect, test } from 'vitest'
import type { ReleasedApp, ReleaseStatement } from '@sotto/protocol/keyrelease'
import { claim } from '../../../../test/claims.ts'
import { requireSameApp } from '../../src/release/app.ts'
import { obtainArtifactKeys, obtainKeys } from '../../src/release/obtain.ts'
import { createReleaseWorld } from './world.ts'

const APP: ReleasedApp = { name: 'summaries', sha256: 'a9'.repeat(32) }
const running =
  (app: ReleasedApp | undefined) =>
  (statement: ReleaseStatement): ReleaseStatement =>
    statement.predicate.role === 'kms' || app === undefined
      ? statement
      : { ...statement, predicate: { ...statement.predicate, app } }

/** Under a measured policy that names the app of the release. */
async function contextWith(
  released: ReleasedApp | undefined,
  configured: ReleasedApp | undefined,
): Promise<Parameters<typeof obtainKeys>[0]> {
  const { context } = await createReleaseWorld({
    release: running(released),
    ...(released && {
      policy: (policy) => ({ ...policy, apps: [released.sha256], require: [...policy.require, 'keys.app'] }),
    }),
  })
  return { ...context, ...(configured && { app: configured }) }
}

describe('the app of an enclave', () => {
  test('is what its release names, or neither names one', async () => {
    expect((await obtainKeys(await contextWith(APP, { ...APP }))).keys).toHaveLength(1)
    expect((await obtainKeys(await contextWith(undefined, undefined))).keys).toHaveLength(1)
  })

  test.each<[string, ReleasedApp | undefined, ReleasedApp | undefined]>([
    ['runs other code', APP, { ...APP, sha256: 'b7'.repeat(32) }],
    ['runs it under another name', APP, { ...APP, name: 'other' }],
    ['runs one that the release does not name', undefined, APP],
    ['runs none, and the release names one', APP, undefined],
  ])(claim('T20.app', 'no key is taken when its configuration %s'), async (_, released, configured) => {
    const refusal = { code: 'RELEASE_APP', action: 'stop' }
    const context = await contextWith(released, configured)
    await expect(obtainKeys(context)).rejects.toMatchObject(refusal)
    await expect(obtainArtifactKeys(context, 'owner')).rejects.toMatchObject(refusal)
  })

  test(claim('T20.app', 'no key is taken under a measured policy that does not name it'), async () => {
    const { context } = await createReleaseWorld({ release: running(APP) })
    await expect(obtainKeys({ ...context, app: APP })).rejects.toMatchObject({
      code: 'RELEASE_KMS_REFUSED',
      found: expect.stringMatching(/^keys\.app: .*does not name$/) as string,
    })
  })

  test('is the same in every release that covers it', () => {
    const [plain, one] = [{ predicate: {} }, { predicate: { app: APP } }] as ReleaseStatement[]
    expect(() => requireSameApp([one!, one!], APP)).not.toThrow()
    for (const releases of [
      [one!, plain!],
      [plain!, one!],
    ])
      for (const configured of [APP, undefined])
        expect(() => requireSameApp(releases, configured)).toThrowError(
          expect.objectContaining({ code: 'RELEASE_APP' }),
        )
    expect(() => requireSameApp(undefined, undefined)).toThrowError(
      expect.objectContaining({ code: 'RELEASE_INVALID' }),
    )
  })
})
