import { expect, test } from 'vitest'
import { AZURE_PAYLOAD_TYPES, type AzureRelease } from '@sotto/protocol/azure-dialect'
import { claim } from '../../../../test/claims.ts'
import { fakeSigner } from '@sotto/testkit'
import { openDesk } from './support.ts'

test.each<[string, string[], Partial<AzureRelease>, boolean]>([
  ['of the KMS', [], {}, true],
  ['of somebody else', ['RECEIPT_UNCERTIFIED'], {}, false],
  ['for an epoch that is not logged', ['RECEIPT_MISMATCH'], { epoch: 2 }, true],
  ['under a policy that is not logged', ['RECEIPT_MISMATCH'], { policy: 'ab'.repeat(32) }, true],
  ['that means nothing', ['RECEIPT_MALFORMED'], { keyId: 256 }, true],
])(
  claim('T4', 'a monitor judges releases to tokens like others: %s'),
  async (_name, codes, change, isOwn) => {
    const desk = await openDesk()
    const { world, keySet } = desk
    const release: AzureRelease = {
      version: 1,
      genesis: world.policy.genesis,
      epoch: keySet.epoch,
      keyId: 3,
      policy: keySet.keys[0]!.policy,
      tuple: 'guest',
      token: 'ab'.repeat(32),
      hardware: ['azure-maa'],
      wrapKey: 'cd'.repeat(32),
      issuedAt: world.now,
      notAfter: world.now + 60,
      ...change,
    }
    desk.log(AZURE_PAYLOAD_TYPES.release, release, isOwn ? world.signers.kms : fakeSigner())
    expect(await desk.codes()).toEqual(codes)
  },
)
