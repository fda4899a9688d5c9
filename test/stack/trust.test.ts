import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkTrust, type SottoStorage, VerificationRefused } from '@sotto/client'
import { toHex } from '@sotto/protocol/bytes'
import { rootFromTiles, type TileReader } from '@sotto/protocol/merkle'
import { tilePath } from '@sotto/protocol/tile-path'
import type { TrustPolicy } from '@sotto/verifier'
import { launch, type LaunchedRole } from '../../packages/cli/src/software-tee/launch.ts'
import { openMachine } from '../../packages/cli/src/software-tee/machine.ts'
import { claim } from '../claims.ts'
import { httpMessages } from './http-messages.ts'
import { clientOf, embed, startTestStack, type TestStack, urlOf } from './support.ts'

/** Two deployments of one operator: the same images, machines and software, each genuine. */
let pinned: TestStack
let other: TestStack
beforeAll(async () => {
  ;[pinned, other] = await Promise.all([startTestStack(), startTestStack({ tap: true })])
})
afterAll(() => Promise.all([pinned?.close(), other?.close()]))

async function refusalOf(policy: TrustPolicy): Promise<string[]> {
  const error = await clientOf({ ...other, policy }).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  expect(error).toBeInstanceOf(VerificationRefused)
  const { code, verdict } = error as VerificationRefused
  expect([code, verdict.ok]).toEqual(['VERIFY_REFUSED', false])
  return verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)
}

/** Requests on each connection of the relay so far, from its raw captures. */
const received = (): string[][] =>
  other.taps.relay!.captures.map((capture) =>
    httpMessages(Buffer.concat(capture.received)).map(({ start, body }) => `${start} ${body.length}`),
  )

/** What has come since. */
const receivedSince = (before: string[][]): string[] =>
  received().flatMap((requests, connection) => requests.slice(before[connection]?.length ?? 0))

const ONLY_THE_BUNDLE = ['GET /relay/inference/trust HTTP/1.1 0']

describe('a second genuine stack', () => {
  it('is accepted by a client that pins it', async () => {
    const sotto = await clientOf(other)
    expect(sotto.trust.ok).toBe(true)
    const response = await embed(sotto, 'hello')
    await response.text()
    expect(response.status).toBe(200)
    await sotto.receiptOf(response)
  })

  it(
    claim(
      ['T1', 'chain.nothing-sent'],
      'is refused by a client that pins the first, and gets the bundle request only',
    ),
    async () => {
      const before = received()
      expect(await refusalOf(pinned.policy)).toContain('genesis.pinned')
      expect(receivedSince(before)).toEqual(ONLY_THE_BUNDLE)
    },
  )

  it(claim('T1', 'is refused even when everything else of it is accepted'), async () => {
    const before = received()
    const failed = await refusalOf({ ...other.policy, genesis: pinned.policy.genesis })
    expect(failed).toContain('genesis.pinned')
    expect(receivedSince(before)).toEqual(ONLY_THE_BUNDLE)
  })

  it.each<[string, string, (policy: TrustPolicy) => TrustPolicy]>([
    [
      'does not name the software root',
      'kms.evidence',
      (policy) => ({ ...policy, platforms: pinned.policy.platforms }),
    ],
    [
      'accepts hardware only',
      'kms.evidence',
      (policy) => ({ ...policy, platforms: [{ name: 'milan', allOf: [{ family: 'sev-snp' }] }] }),
    ],
    [
      'pins another release key',
      'kms.release-logged',
      (policy) => ({ ...policy, releaseKeys: pinned.policy.releaseKeys }),
    ],
    [
      'wants a newer version',
      'kms.measurement',
      (policy) => ({ ...policy, minSecurityVersion: { kms: 99, inference: 1 } }),
    ],
    ['pins another log', 'log.checkpoint', (policy) => ({ ...policy, log: pinned.policy.log })],
    [
      'pins other witnesses',
      'log.witnesses',
      (policy) => ({ ...policy, witnesses: pinned.policy.witnesses }),
    ],
  ])(
    claim(
      ['T10', 'chain.evidence', 'chain.measurement', 'chain.log', 'chain.nothing-sent'],
      'is refused by a policy that %s (%s)',
    ),
    async (_what, step, change) => {
      const before = received()
      expect(await refusalOf(change(other.policy))).toContain(step)
      expect(receivedSince(before)).toEqual(ONLY_THE_BUNDLE)
    },
  )

  it(
    claim(
      ['chain.required', 'chain.nothing-sent'],
      'is refused by a policy that requires a step it must skip, without any step failing',
    ),
    async () => {
      const before = received()
      const require: TrustPolicy['require'] = [...other.policy.require, 'log.witnesses-independent']
      expect(await refusalOf({ ...other.policy, require })).toEqual([])
      expect(receivedSince(before)).toEqual(ONLY_THE_BUNDLE)
    },
  )

  it('gives a verdict that says it rests on a program', async () => {
    const verdict = await checkTrust(other.relayUrl, { policy: other.policy })
    expect(verdict).toMatchObject({ ok: true, software: true })
    const skipped = verdict.steps.filter(({ status }) => status === 'skipped')
    expect(skipped.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'log.witnesses-independent',
        'hardware.cpu-vendor',
        'hardware.gpu',
        'tokens.issuer',
      ]),
    )
    for (const { reason } of skipped) expect(reason).toMatch(/\w+/)
  })
})

describe('a client that has seen the log before', () => {
  const SEEN = 3
  /** A memory of the log when it had three entries; the bundle shows it with more. */
  async function storageWith(root: Uint8Array): Promise<SottoStorage> {
    const key = `checkpoint ${other.policy.log.key}`
    const values = new Map([[key, JSON.stringify({ size: SEEN, root: toHex(root) })]])
    return { get: async (name) => values.get(name), set: async (name, value) => void values.set(name, value) }
  }
  const consistency = async (root: Uint8Array) => {
    const storage = await storageWith(root)
    const { steps } = await checkTrust(other.relayUrl, { policy: other.policy, storage })
    return steps.find(({ name }) => name === 'log.consistency')
  }
  const readTile: TileReader = async (tile) =>
    new Uint8Array(await (await fetch(`${urlOf(other, 'log')}/log/${tilePath(tile)}`)).arrayBuffer())

  it(claim('chain.log', 'proves by tiles from the relay that it only grew'), async () => {
    const before = received()
    expect(await consistency(await rootFromTiles(SEEN, readTile))).toMatchObject({ status: 'pass' })
    const paths = receivedSince(before).map((start) => start.split(' ')[1]!)
    expect(paths).toContain('/relay/inference/trust')
    expect(paths.filter((path) => path.startsWith('/log/tile/0/000')).length).toBeGreaterThan(0)
  })

  it(claim('chain.log', 'refuses a log that shows another past'), async () => {
    expect(await consistency(new Uint8Array(32))).toMatchObject({ status: 'fail' })
  })
})

describe('an enclave', () => {
  const start = async (change: (config: EnclaveConfig) => void): Promise<LaunchedRole> => {
    const config = JSON.parse(
      await readFile(join(other.folder, 'config', 'inference.json'), 'utf8'),
    ) as EnclaveConfig
    config.listen.port = 0
    change(config)
    const file = join(other.folder, 'config', 'changed.json')
    await writeFile(file, JSON.stringify(config))
    return launch({
      name: 'inference',
      machine: await openMachine(join(other.folder, 'keys', 'machine.json')),
      image: other.layout.image('inference'),
      config: file,
      logFile: join(other.folder, 'run', 'changed.log'),
    })
  }

  it(claim('T1', 'whose measured policy pins another genesis takes no keys'), async () => {
    await expect(start(({ policy }) => (policy.genesis = pinned.policy.genesis))).rejects.toMatchObject({
      code: 'ROLE_FAILED',
      found: expect.stringContaining('RELEASE_KMS_REFUSED'),
    })
  })

  it(claim('T10', 'on a software TEE refuses a policy for hardware'), async () => {
    await expect(
      start(({ policy }) => {
        policy.platforms = [{ name: 'milan', allOf: [{ family: 'sev-snp' }] }]
        policy.require.push('hardware.cpu-vendor')
      }),
    ).rejects.toMatchObject({ code: 'ROLE_FAILED', found: expect.stringContaining('ROLE_WRONG_TEE') })
  })

  it(claim(['T7', 'chain.policy'], 'whose configuration nobody released gets no keys'), async () => {
    await expect(start(() => undefined)).rejects.toMatchObject({
      code: 'ROLE_FAILED',
      found: expect.stringContaining('RELEASE_DENIED'),
    })
  })
})

interface EnclaveConfig {
  listen: { port: number }
  policy: TrustPolicy
}
