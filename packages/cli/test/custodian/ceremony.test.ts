import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import { fromBase64Url } from '@sotto/protocol/bytes'
import {
  CUSTODY_TYPES,
  type RecoveryReceipt,
  type RecoveryRequest,
  type RootSuccession,
  type ShareSet,
} from '@sotto/protocol/custody'
import type { KmsState } from '@sotto/protocol/evidence'
import { type KeySet, type ReleasedKeys, type ReleaseResponse } from '@sotto/protocol/keyrelease'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { Enclave, payloadOf, seed } from '../../../kms/test/world.ts'
import { Deployment } from './deployment.ts'

const ARTIFACT = 'ab'.repeat(16)
const TIMEOUT = { timeout: 240_000 }

// One life of one KMS, told in order: each test goes on where the one before ended.
let deployment: Deployment
let genesis: string
let first: ReleasedKeys
let firstSet: KeySet
beforeAll(async () => {
  deployment = await Deployment.create(3, 2)
}, 240_000)
afterAll(() => deployment.kms.remove())

async function releaseKeys(artifacts: string[] = []): Promise<{ keys: ReleasedKeys; set: KeySet }> {
  const { kms } = deployment
  const enclave = new Enclave(kms.world.workload)
  const request = await enclave.request(kms.world, { artifacts })
  const response = await kms.call<ReleaseResponse>('/v1/release', request)
  expect(response).toHaveProperty('wrapped')
  return {
    keys: enclave.open(request, response, genesis),
    set: payloadOf<KeySet>(response.keySet.envelope),
  }
}

async function storedBytes(): Promise<string> {
  const folder = join(deployment.kms.directory, 'store')
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))))
  return Buffer.concat(files).toString('latin1')
}

const codeOf = (output: string): string => /\[([A-Z_ ]+)\]/.exec(output)?.[1] ?? output

test(
  claim('T15', 'a KMS with custodians serves nothing before enough of them can open their shares'),
  TIMEOUT,
  async () => {
    const { kms } = deployment
    await deployment.start()
    genesis = await deployment.pin()
    expect(await deployment.readyCode()).toBe('KMS_WAITING_FOR_CUSTODIANS')
    expect(await deployment.decide(kms.world.proposal(kms.world.policy()))).toMatchObject({ error: {} })
    expect((await stat(deployment.custodians[0]!.file)).mode & 0o777).toBe(0o600)

    const accepted = await deployment.custodian('accept', 1, '--json')
    expect(accepted, accepted.stderr).toMatchObject({ status: 0 })
    expect(JSON.parse(accepted.stdout)).toMatchObject({ genesis, index: 1, threshold: 2, acknowledged: 1 })
    // Saying it again says nothing new.
    expect((await deployment.custodian('accept', 1)).status).toBe(0)
    expect(await deployment.readyCode()).toBe('KMS_WAITING_FOR_CUSTODIANS')
    expect((await deployment.custodian('accept', 2)).status).toBe(0)
    expect(await deployment.readyCode()).toBe('KMS_NO_POLICY')

    await deployment.decide(kms.world.proposal(kms.world.policy()))
    expect(await deployment.readyCode()).toBe('ready')
    const { policy } = payloadOf<KeySet>((await kms.call<KmsState>('/v1/keys')).keySet.envelope).keys[0]!
    const own = await kms.call<KmsState>('/v1/genesis')
    Object.defineProperty(kms.world, 'kms', {
      configurable: true,
      value: { view: { boot: { own: own.kms }, state: { policy } } },
    })
    await deployment.decide(kms.world.draft('owners', { owners: [kms.world.owner()] }))
    const body = kms.world.artifactImport(ARTIFACT, seed(42), { genesis, policy })
    expect(await kms.call(`/v1/artifacts/${ARTIFACT}/key`, body)).toMatchObject({ artifact: ARTIFACT })
    ;({ keys: first, set: firstSet } = await releaseKeys([ARTIFACT]))
  },
)

test(
  claim('T15', 'killed, it waits; k custodians bring it back, and a wrong share spoils nothing'),
  TIMEOUT,
  async () => {
    const { kms } = deployment
    await kms.end('SIGKILL')
    await deployment.start()
    expect(await deployment.readyCode()).toBe('KMS_WAITING_FOR_CUSTODIANS')
    for (const path of ['/v1/keys', '/v1/genesis', '/v1/shares'])
      expect(await kms.call(path)).toMatchObject({ error: { code: 'KMS_NOT_READY' } })

    const stale = await kms.call<RecoveryRequest>('/v1/recovery')
    expect((await deployment.custodian('release', 3)).status).toBe(0)
    await kms.end('SIGKILL')
    await deployment.start()
    const session = await kms.call<RecoveryRequest>('/v1/recovery')
    expect(session.received, 'killed in the middle: a new session, without shares').toEqual([])
    expect(session.binding.nonce).not.toBe(stale.binding.nonce)
    const answer = {
      version: 1,
      genesis,
      generation: 1,
      index: 1,
      nonce: session.binding.nonce,
      forgetStore: false,
      enc: Buffer.alloc(1120).toString('base64url'),
      wrapped: Buffer.alloc(48).toString('base64url'),
    }
    const refusals = [
      [{ ...answer, nonce: stale.binding.nonce }, 'KMS_SHARE_STALE'],
      [{ ...answer, generation: 2 }, 'KMS_SHARE_STALE'],
      [{ ...answer, genesis: '00'.repeat(32) }, 'KMS_WRONG_GENESIS'],
      [answer, 'KMS_SHARE_FOREIGN'],
      [{ ...answer, index: 9 }, 'KMS_SHARE_FOREIGN'],
      [{ ...answer, extra: 1 }, 'JCS_FIELD'],
    ] as const
    for (const [body, code] of refusals)
      expect(await kms.call('/v1/recovery/shares', body)).toMatchObject({ error: { code } })

    const sent = await deployment.custodian('release', 1)
    expect(sent, sent.stderr).toMatchObject({ status: 0, stdout: 'share 1 sent: 1 of 2\n' })
    // Its answer was lost, say: sending again is no error, and counts once.
    expect((await deployment.custodian('release', 1)).stdout).toBe('share 1 was there already\n')
    expect(await deployment.readyCode()).toBe('KMS_WAITING_FOR_CUSTODIANS')
    expect((await deployment.custodian('release', 3)).status).toBe(0)
    await deployment.waitFor('ready')

    const { keys, set } = await releaseKeys([ARTIFACT])
    expect(set.epoch).toBeGreaterThan(firstSet.epoch)
    expect(keys.artifacts).toEqual(first.artifacts)
    expect(await kms.call('/v1/recovery')).toMatchObject({ error: { code: 'KMS_NOT_WAITING' } })
  },
)

test(
  claim('T4', 'request keys come back neither from custodians nor from anything the KMS ever wrote'),
  TIMEOUT,
  async () => {
    const { keys, set } = await releaseKeys()
    const old = new Set(first.keys.map(({ privateKey }) => privateKey))
    expect(keys.keys.filter(({ privateKey }) => old.has(privateKey))).toEqual([])
    const ids = (of: KeySet): number[] => of.keys.map(({ keyId }) => keyId)
    expect(
      ids(set).filter((id) => ids(firstSet).includes(id)),
      'identifiers stay busy',
    ).toEqual([])
    const log = Buffer.concat(deployment.kms.world.log.entries).toString('latin1')
    const written = (await storedBytes()) + deployment.kms.output + log
    for (const { privateKey } of [...first.keys, ...keys.keys]) {
      const bytes = Buffer.from(fromBase64Url(privateKey))
      for (const spelling of [
        privateKey,
        bytes.toString('hex'),
        bytes.toString('base64'),
        bytes.toString('latin1'),
      ])
        expect(written.includes(spelling)).toBe(false)
    }
  },
)

test(
  claim('T15', 'custodians give nothing to a KMS that does not pass their own policy'),
  TIMEOUT,
  async () => {
    const { kms } = deployment
    await kms.end('SIGTERM')
    await deployment.start()
    const policies = [
      ['another genesis', { genesis: '11'.repeat(32) }, 'genesis.pinned'],
      [
        'hardware of another root',
        {
          genesis,
          platforms: [{ name: 'other', allOf: [{ family: 'software', roots: ['22'.repeat(32)] }] }],
        },
        'kms.evidence',
      ],
      [
        'a release key of others',
        { genesis, releaseKeys: [Buffer.alloc(32, 9).toString('base64url')] },
        'kms.measurement',
      ],
      [
        'a newer security version',
        { genesis, minSecurityVersion: { kms: 2, inference: 1 } },
        'kms.measurement',
      ],
      ['a revoked release', { genesis, revoked: ['a1'.repeat(32)] }, 'kms.measurement'],
    ] as const
    for (const [why, change, step] of policies) {
      await deployment.writePolicy('other.json', change as never)
      const refused = await deployment.custodian('release', 1, '--policy', 'other.json')
      expect(refused.status, why).toBe(5)
      expect(codeOf(refused.stderr), why).toBe('CLI_REFUSED')
      expect(refused.stderr, why).toContain(step)
    }
    expect((await kms.call<RecoveryRequest>('/v1/recovery')).received).toEqual([])
  },
)

test(
  claim(
    ['T11', 'T15'],
    'every trace deleted: k custodians bring the identity back, a lost store only when they say so',
  ),
  TIMEOUT,
  async () => {
    const { kms } = deployment
    await kms.end('SIGKILL')
    await deployment.deleteEveryTrace()
    await deployment.start({ expectGenesis: genesis })
    expect(await deployment.readyCode()).toBe('KMS_WAITING_FOR_CUSTODIANS')
    const ended = once(kms.child!, 'exit')
    const sent = await Promise.all([deployment.custodian('release', 2), deployment.custodian('release', 3)])
    expect(
      sent.map(({ status }) => status),
      sent.map(({ stderr }) => stderr).join(),
    ).toEqual([0, 0])
    expect(await ended).toEqual([1, null])
    expect(kms.output).toContain('KMS_STATE_ROLLED_BACK')

    await deployment.deleteEveryTrace()
    await deployment.start({ expectGenesis: genesis })
    for (const n of [1, 2])
      expect((await deployment.custodian('release', n, '--forget-store', '--yes')).status).toBe(0)
    await deployment.waitFor('ready')
    expect(await deployment.pin()).toBe(genesis)
    const { keys, set } = await releaseKeys()
    expect(set.epoch).toBeGreaterThan(firstSet.epoch + 1)
    expect(keys.keys.length).toBe(2)
    const enclave = new Enclave(kms.world.workload)
    expect(
      await kms.call('/v1/release', await enclave.request(kms.world, { artifacts: [ARTIFACT] })),
      'content keys went with the store',
    ).toMatchObject({ error: { code: 'KMS_NOT_ADMITTED' } })
    const receipts = kms.world.logged<RecoveryReceipt>(CUSTODY_TYPES.recoveryReceipt)
    expect(receipts.map(({ document }) => document.forgotStore)).toEqual([false, true])
    expect(receipts.at(-1)!.document.indexes).toEqual([1, 2])
  },
)

test('the log alone says who holds shares and who acknowledged them', TIMEOUT, async () => {
  const { stdout, stderr, status } = await deployment.status()
  expect(status, stderr).toBe(0)
  expect(stdout).toContain(`genesis   ${genesis}\n`)
  expect(stdout).toContain(
    'shares    generation 1, 2 of 3 open it\n  1 custodian-1: acknowledged\n  2 custodian-2: acknowledged\n  3 custodian-3: not yet\n',
  )
})

/** Proposes by the command line, and as many members accept as it takes. */
async function decideByCommands(voters: number, ...what: string[]): Promise<void> {
  const proposed = await deployment.member(0, 'propose', ...what, '--json')
  expect(proposed, proposed.stderr).toMatchObject({ status: 0 })
  const { id } = JSON.parse(proposed.stdout) as { id: string }
  for (let n = 0; n < voters; n++) {
    const voted = await deployment.member(n, 'vote', id.slice(0, 12), 'accept', '--json', '--yes')
    expect(voted, voted.stderr).toMatchObject({ status: 0 })
    expect(JSON.parse(voted.stdout)).toMatchObject({ id, outcome: n + 1 === voters ? 'accepted' : 'open' })
  }
}

async function accept(n: number, generation: number): Promise<void> {
  await expect.poll(() => newestShares().generation).toBe(generation)
  const { status, stdout, stderr } = await deployment.custodian('accept', n)
  expect(status, stderr).toBe(0)
  expect(stdout).toContain(`accepted, generation ${generation}\n`)
}

async function killAndRecover(by: number[]): Promise<void> {
  await deployment.kms.end('SIGKILL')
  await deployment.start()
  for (const n of by) {
    const { status, stderr } = await deployment.custodian('release', n)
    expect(status, stderr).toBe(0)
  }
  await deployment.waitFor('ready')
}

const newestShares = () => deployment.kms.world.logged<ShareSet>(CUSTODY_TYPES.shareSet).at(-1)!.document

test(
  claim(
    'T15',
    'by command line members name other custodians: killed halfway the old shares count, and then the new ones alone',
  ),
  TIMEOUT,
  async () => {
    const { kms } = deployment
    const custodians = await deployment.addCustodians(2)
    await writeFile(join(kms.directory, 'next.json'), JSON.stringify({ threshold: 2, custodians }))
    await decideByCommands(2, 'custodians', 'next.json')
    await accept(4, 2)
    await killAndRecover([1, 2])
    await accept(5, 2)

    await kms.end('SIGKILL')
    await deployment.start()
    const old = await deployment.custodian('release', 1)
    expect([old.status, codeOf(old.stderr)]).toEqual([5, 'CLI_REFUSED'])
    expect(old.stderr).toContain('found:    custody.share: none of its shares is sealed to your key\n')
    for (const n of [4, 5]) expect((await deployment.custodian('release', n)).status).toBe(0)
    await deployment.waitFor('ready')
    expect(kms.world.logged<RecoveryReceipt>(CUSTODY_TYPES.recoveryReceipt).at(-1)!.document).toMatchObject({
      generation: 2,
      indexes: [1, 2],
    })
  },
)

test(
  claim('T15', 'by command line members replace request keys and the root key: its custodians open it first'),
  TIMEOUT,
  async () => {
    const { kms } = deployment
    const { set } = await releaseKeys()
    await decideByCommands(1, 'rotate')
    const next = await releaseKeys()
    expect(next.set.epoch).toBe(set.epoch + 1)
    const before = set.keys.map(({ keyId }) => keyId)
    expect(next.set.keys.filter(({ keyId }) => !before.includes(keyId))).not.toEqual([])

    await decideByCommands(2, 'rotate-root')
    await accept(4, 3)
    await killAndRecover([4, 5])
    const successions = () => kms.world.logged<RootSuccession>(CUSTODY_TYPES.rootSuccession)
    expect(successions(), 'one of two could not bring it back').toEqual([])
    await accept(5, 3)
    await expect.poll(() => successions().length).toBe(1)
    expect(newestShares().rootKey).toBe(successions()[0]!.document.rootKey)

    await killAndRecover([4, 5])
    expect(await deployment.pin()).toBe(genesis)
    expect((await deployment.status()).stdout).toContain(
      `root key  ${newestShares().rootKey}, generation 2\n`,
    )
  },
)
