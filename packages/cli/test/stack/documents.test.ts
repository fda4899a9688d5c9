import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse } from '@sotto/protocol/dsse'
import {
  decodeDocument,
  type ReleaseStatement,
  releaseStatementDecoder,
  type Role,
} from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import { verifierKeyOf } from '@sotto/protocol/note'
import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { findReleaseDefect } from '@sotto/verifier/workload'
import {
  keyReleasePolicyOf,
  localDataUse,
  localTrustPolicy,
  type MeasuredRole,
  signRelease,
} from '../../src/stack/documents.ts'

const APP = { name: 'summaries', sha256: 'a9'.repeat(32) }
const seed = crypto.sha256(new Uint8Array(1))
const signer = { seed, publicKey: crypto.ed25519.importPrivate(seed).publicKey }

function release(role: Role, app?: typeof APP): ReleaseStatement {
  const digest = 'ab'.repeat(32)
  const measured = { role, digest, measurement: softwareMeasurement(digest), hostData: 'cd'.repeat(32) }
  const envelope = signRelease(measured, signer, 5, localDataUse(undefined), { app })
  return decodeDocument(parseDsse(envelope).payload, releaseStatementDecoder)
}

function policy(app?: typeof APP, rooms?: boolean): TrustPolicy {
  const key = verifierKeyOf({ name: 'log', secretSeed: seed }, 'ed25519')
  const witness = verifierKeyOf({ name: 'witness', secretSeed: utf8('w'.repeat(32)) }, 'cosignature-v1')
  const log = { origin: 'log', key, witnesses: { keys: [witness], quorum: 1 } }
  return localTrustPolicy({
    genesis: 'ab'.repeat(32),
    releaseKey: signer.publicKey,
    log,
    root: 'ef'.repeat(32),
    app,
    rooms,
  })
}

describe('the documents of a local stack', () => {
  it('name the app that its enclaves run, and none of the KMS', () => {
    expect(release('inference', APP).predicate.app).toEqual(APP)
    expect(release('kms', APP).predicate).not.toHaveProperty('app')
    for (const role of ['kms', 'inference'] as const)
      expect(findReleaseDefect(release(role, APP))).toBeUndefined()
    expect(parseTrustPolicy(JSON.stringify(policy(APP)))).toMatchObject({
      apps: [APP.sha256],
      require: expect.arrayContaining(['keys.app']) as string[],
    })
  })

  it('name none where none runs', () => {
    expect(release('inference').predicate).not.toHaveProperty('app')
    const parsed = parseTrustPolicy(JSON.stringify(policy()))
    expect(parsed).not.toHaveProperty('apps')
    expect(parsed.require).not.toContain('keys.app')
  })

  it('say of a room which program it is, and that contracts say what it does with content', () => {
    const statement = release('room', APP)
    expect(findReleaseDefect(statement)).toBeUndefined()
    expect(statement.predicate.dataUse).toEqual({
      tasks: [],
      retentionSeconds: 0,
      training: false,
      byContract: true,
    })
    expect(statement.predicate).not.toHaveProperty('app')
  })

  it('ask for a minimum of rooms only where there is one', () => {
    expect(parseTrustPolicy(JSON.stringify(policy(undefined, true))).minSecurityVersion).toEqual({
      kms: 1,
      inference: 1,
      room: 1,
    })
    expect(parseTrustPolicy(JSON.stringify(policy())).minSecurityVersion).not.toHaveProperty('room')
  })

  it('admit each workload by a tuple of its own role, numbered within it', () => {
    const workload = (role: Role, digit: string): MeasuredRole => ({
      role,
      digest: digit.repeat(64),
      measurement: digit.repeat(96),
      hostData: digit.repeat(64),
    })
    const workloads = [workload('inference', '1'), workload('inference', '2'), workload('room', '3')]
    const { anyOf } = keyReleasePolicyOf({
      genesis: 'ab'.repeat(32),
      workloads,
      root: 'ef'.repeat(32),
      now: 5,
    })
    expect(anyOf.map(({ name, role }) => [name, role])).toEqual([
      ['inference', 'inference'],
      ['inference-2', 'inference'],
      ['room', 'room'],
    ])
    expect(anyOf[2]!.allOf[0]).toMatchObject({ measurements: ['3'.repeat(96)] })
  })
})
