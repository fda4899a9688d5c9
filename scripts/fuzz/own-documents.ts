import { fromBase64, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { packCollateral } from '@sotto/protocol/collateral-bundle'
import { encodeTrustBundle, type TrustBundle } from '@sotto/protocol/evidence'
import { encodeDocument, type Evidence } from '@sotto/protocol/keyrelease'
import { encodeReceiptTrailer } from '@sotto/protocol/receipts'
import { createReceipt, createWorld, type MintedReceipt, type World } from '@sotto/testkit'
import { encodePiece } from '../../packages/testkit/src/tee/encode.ts'
import { encodeTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { encodeEvidencePolicy, type EvidencePolicy } from '@sotto/verifier/appraisal'
import { choosePieces, FAMILIES } from '@sotto/verifier/family'
import { FULL_POLICIES } from '../../packages/verifier/test/appraisal/full-policies.ts'
import { fixKeys } from './fixed-keys.ts'
import { casesOf, type SeedCase } from './seeds.ts'

/** Pieces beside evidence that a seed carries: more would only make every input longer. */
const MAX_COLLATERAL_BYTES = 24 * 1024

/** A deployment with a receipt, and evidence of its machine. */
interface OwnWorld {
  world: World
  receipt: MintedReceipt
  evidence: Evidence
}

let made: Promise<OwnWorld> | undefined

/** The same in every run, whoever asks first. */
export function ownWorld(): Promise<OwnWorld> {
  made ??= (async () => {
    fixKeys()
    const world = await createWorld()
    const receipt = await createReceipt(world)
    return { world, receipt, evidence: world.evidence('inference', new Uint8Array(64)) }
  })()
  return made
}

/** Payloads of envelopes of the deployment. */
export async function payloads(pick: (bundle: TrustBundle) => { envelope: string }[]): Promise<Uint8Array[]> {
  const { world } = await ownWorld()
  return pick(world.bundle).map(({ envelope }) => payloadOf(envelope))
}

/** What an envelope is about. */
export function payloadOf(envelope: string): Uint8Array {
  return fromBase64((JSON.parse(envelope) as { payload: string }).payload)
}

/** Every document that says who may hold keys, by hand where no world has it: all families with all members. */
export async function evidencePolicies(): Promise<Uint8Array[]> {
  return policies().map(encodeEvidencePolicy)
}

function policies(): EvidencePolicy[] {
  const component = (family: keyof typeof FULL_POLICIES): object => ({ family, ...FULL_POLICIES[family] })
  const tuple = (name: string, ...allOf: object[]): object => ({ name, allOf })
  const frame = { version: 1, freshness: 'nonce', evidenceMaxAgeSeconds: 3600 }
  const families = FAMILIES.filter((family) => family !== 'nvidia')
  return [
    ...families.map((family) => ({ ...frame, name: family, anyOf: [tuple(family, component(family))] })),
    { ...frame, name: 'software', anyOf: [tuple('software', component('software'))] },
    {
      ...frame,
      name: 'a fleet with windows',
      collateralMaxAgeSeconds: 86_400,
      revocationMaxAgeSeconds: 604_800,
      anyOf: [
        {
          ...tuple('gpu', component('sev-snp'), component('nvidia')),
          gpuBinding: { minGpus: 1, maxGpus: 8 },
          notBefore: 1_790_000_000,
          notAfter: 1_800_000_000,
        },
        tuple('tdx', {
          family: 'tdx',
          mrTd: [{ value: 'ab'.repeat(48), notBefore: 1_790_000_000 }, 'cd'.repeat(48)],
        }),
      ],
    },
  ] as unknown as EvidencePolicy[]
}

/** Trust policies of the software TEE and of hardware. */
export async function trustPolicies(): Promise<Uint8Array[]> {
  const { world } = await ownWorld()
  const require = [...world.policy.require, 'hardware.cpu-vendor'] as TrustPolicy['require']
  const platforms = policies().at(-1)!.anyOf as unknown as TrustPolicy['platforms']
  return [world.policy, { ...world.policy, require, platforms }].map(encodeTrustPolicy)
}

/** Evidence messages: of the software TEE, and of one real machine of each family with some of its collateral. */
export async function evidenceMessages(): Promise<Evidence[]> {
  const { evidence } = await ownWorld()
  const real = FAMILIES.flatMap((family) => casesOf(family).slice(0, 1)).flatMap(messageOf)
  return [evidence, ...real]
}

function messageOf({ pieces }: SeedCase): Evidence[] {
  const chosen = choosePieces(pieces)
  if (chosen === undefined) return []
  let left = MAX_COLLATERAL_BYTES
  const small = Object.values(chosen.collateral).filter(({ length }) => (left -= length) >= 0)
  const named = Object.fromEntries(small.map((bytes, index) => [`piece${index}.bin`, bytes]))
  return [[encodePiece(chosen.family, chosen.evidence, named)]]
}

/** Documents of every kind, for readers of JSON. */
export async function ownTexts(): Promise<Uint8Array[]> {
  const { world, receipt, evidence } = await ownWorld()
  return [
    utf8(world.bundle.genesis.envelope),
    payloadOf(world.bundle.genesis.envelope),
    encodeTrustPolicy(world.policy),
    encodeDocument(receipt.receipt),
    encodeDocument(evidence),
    encodeTrustBundle(world.bundle),
    ...(await evidencePolicies()).slice(0, 3),
  ]
}

/** Packed collateral, and the index of a folder. */
export function collateralBundles(): Uint8Array[] {
  const pieces = {
    'a.der': new Uint8Array([48, 0]),
    'tcb-info.json': utf8('{"tcbInfo":{}}'),
    chain: utf8('-----'),
  }
  return [
    packCollateral({ fetchedAt: 1_790_000_000, pieces }),
    packCollateral({ fetchedAt: null, pieces: {} }),
  ]
}

/** Values of the trailer field. */
export async function receiptTrailers(): Promise<Uint8Array[]> {
  const { receipt } = await ownWorld()
  const { envelope, salt } = receipt.saved
  return [utf8(encodeReceiptTrailer({ envelope, salt }))]
}

/** A release request and what the KMS answers. */
export async function releaseMessages(): Promise<{ request: Uint8Array; response: Uint8Array }> {
  const { world, evidence } = await ownWorld()
  const { keySet, policy, genesis, kms } = world.bundle
  const { checkpoint } = kms.binding
  const logged = ({ envelope, index }: { envelope: string; index: number }): object => ({ envelope, index })
  const key = toBase64Url(new Uint8Array(32).fill(3))
  return {
    request: encodeDocument({
      evidence,
      binding: {
        version: 1,
        genesis: world.genesisDigest,
        wrapKey: toBase64Url(new Uint8Array(1216)),
        receiptKey: key,
        checkpoint,
      },
      checkpoint: world.bundle.checkpoint,
      artifacts: ['ab'.repeat(16)],
    }),
    response: encodeDocument({
      keySet: logged(keySet),
      policy: logged(policy),
      receipt: logged(genesis),
      enc: toBase64Url(new Uint8Array(1120)),
      wrapped: toBase64Url(new Uint8Array(300)),
    }),
  }
}

/** A log's checkpoint with its signatures, and keys of those who signed. */
export async function notes(): Promise<{ checkpoint: Uint8Array; keys: Uint8Array[] }> {
  const { world } = await ownWorld()
  return {
    checkpoint: utf8(world.bundle.checkpoint),
    keys: [world.log.key, ...world.log.witnessKeys].map(utf8),
  }
}
