import { fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import { composeTrustBundle, encodeTrustBundle, tileProver, type TrustBundle } from '@sotto/protocol/evidence'
import { canonicalJson } from '@sotto/protocol/jcs'
import { encodeDocument, type KmsCertificate, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { parseSavedReceipt, type SavedReceipt } from '@sotto/protocol/receipts'
import {
  createReceipt,
  createWorld,
  fakeSigner,
  type MintedReceipt,
  type ReceiptOptions,
  type World,
  type WorldOptions,
} from '@sotto/testkit'
import { fakeAmd } from '@sotto/testkit/snp'
import { snpTee } from '@sotto/testkit/tee'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { createReceiptVerifier, type Step, type TrustPolicy, verifyTrustBundle } from '@sotto/verifier'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { failed, subjectOf, verify } from './receipt-steps.ts'

/** AMD's roots are those of an AMD of our own: the only thing about hardware that is not real here. */
const pinned = vi.hoisted(() => ({ amd: undefined as unknown }))
vi.mock('../../src/snp/roots.ts', () => ({ snpVendorRoots: () => pinned.amd }))
const amd = fakeAmd()
pinned.amd = amd.roots

/** Every so many bytes of a bundle are flipped. */
const STRIDE = process.env['SLOW'] ? 7 : 397
const YEARS = 5 * 365 * 86_400

interface Kept extends MintedReceipt {
  world: World
  saved: SavedReceipt & { trust: TrustBundle }
}

/** A receipt of a service on SEV-SNP, with the bundle by which its client judged the service. */
async function kept(options: WorldOptions = {}, receipt: ReceiptOptions = {}): Promise<Kept> {
  const world = await createWorld({ now: FAKE_NOW, tee: snpTee(amd), ...options })
  const minted = await createReceipt(world, receipt)
  return { world, ...minted, saved: { ...minted.saved, trust: world.bundle } }
}
const stepOf = (steps: readonly Step[], name: string): Step => steps.find((step) => step.name === name)!

describe('a receipt that holds its trust bundle', () => {
  let own: Kept
  beforeAll(async () => {
    own = await kept()
  })

  it(
    claim(
      ['chain.inference-receipt', 'chain.evidence', 'chain.measurement'],
      'is verified down to the hardware years later, when every certificate of that day has expired',
    ),
    () => {
      const { world, saved } = own
      // Today nobody could be told to trust that service: its chip's certificates are over.
      const today = verifyTrustBundle(world.bundle, world.policy, { now: FAKE_NOW + YEARS })
      expect(today.verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)).toContain(
        'kms.evidence',
      )
      vi.useFakeTimers({ now: (FAKE_NOW + YEARS) * 1000 })
      const result = verify(world, saved, subjectOf(own))
      vi.useRealTimers()
      expect(failed(result)).toEqual([])
      expect(result.ok).toBe(true)
      for (const name of ['kms.evidence', 'kms.measurement', 'keys.policy-tuples', 'hardware.cpu-vendor'])
        expect(stepOf(result.steps, name), name).toMatchObject({ status: 'pass', required: true })
      const when = new Date((FAKE_NOW - 30) * 1000).toISOString().slice(0, 19)
      expect(stepOf(result.steps, 'receipt.trust')).toMatchObject({
        status: 'pass',
        required: true,
        found: `judged as of ${when}Z`,
      })
    },
  )

  it('is skipped visibly without the bundle, and is never a pass', () => {
    const { trust: _gone, ...bare } = own.saved
    const result = verify(own.world, bare, subjectOf(own))
    expect(result.ok).toBe(true)
    expect(result.steps.at(-1)).toMatchObject({
      name: 'receipt.trust',
      status: 'skipped',
      required: false,
      reason: expect.stringContaining('no trust bundle') as string,
    })
    expect(result.steps.some(({ name }) => name.startsWith('kms.'))).toBe(false)
  })

  it('does not ask for a past that a reader of files does not have', () => {
    const policy: TrustPolicy = {
      ...own.world.policy,
      require: [...own.world.policy.require, 'log.consistency'],
    }
    const result = verify({ ...own.world, policy }, own.saved)
    expect(stepOf(result.steps, 'log.consistency')).toMatchObject({ status: 'skipped', required: false })
    expect(result.ok).toBe(true)
  })

  it('is judged by the policy of whoever reads it: a release that was revoked since is refused', () => {
    const revoked = ['a1'.repeat(32)]
    const result = verify({ ...own.world, policy: { ...own.world.policy, revoked } }, own.saved)
    expect(failed(result)).toEqual(['kms.measurement'])
    expect(result.ok).toBe(false)
  })

  it('is judged once for all receipts that share the bundle, and each is compared with it', async () => {
    const again = await createReceipt(own.world, {
      release: (release) => ({ ...release, keyIds: [7, 9] }),
      receipt: (receipt) => ({ ...receipt, keyId: 9 }),
    })
    const verifyOne = createReceiptVerifier(own.world.policy)
    expect(verifyOne(own.saved).ok).toBe(true)
    expect(failed(verifyOne({ ...again.saved, trust: own.saved.trust }))).toEqual(['receipt.trust'])
    expect(verifyOne(own.saved, subjectOf(own)).ok).toBe(true)
  })

  const flip = (text: string, at: number): string => {
    const bytes = fromBase64Url(text)
    bytes[at]! ^= 1
    return toBase64Url(bytes)
  }
  const flipText = (text: string, needle: string): string => {
    const at = text.indexOf(needle) + needle.length + 20
    return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
  }
  it.each<[string, (trust: TrustBundle) => void, string[]]>([
    [
      'the certificate of the chip',
      ({ kms }) => {
        const { collateral } = kms.evidence[0]!
        const [name] = Object.keys(collateral).filter((one) => /vcek|leaf/i.test(one))
        collateral[name!] = flip(collateral[name!]!, 200)
      },
      ['kms.evidence'],
    ],
    [
      'the certificates above it',
      ({ kms }) => {
        const { collateral } = kms.evidence[0]!
        for (const name of Object.keys(collateral).filter((one) => !/vcek|leaf/i.test(one)))
          collateral[name] = flip(collateral[name]!, 300)
      },
      ['kms.evidence'],
    ],
    [
      'MEASUREMENT',
      ({ kms }) => (kms.evidence[0]!.evidence = flip(kms.evidence[0]!.evidence, 0x90)),
      ['kms.evidence'],
    ],
    [
      'the signature of the report',
      ({ kms }) => (kms.evidence[0]!.evidence = flip(kms.evidence[0]!.evidence, 0x2a4)),
      ['kms.evidence'],
    ],
    [
      'what the report is bound to',
      ({ kms }) => (kms.binding.importKey = flip(kms.binding.importKey, 3)),
      ['kms.binding'],
    ],
    [
      'the key-release policy',
      ({ policy }) => (policy.envelope = flipText(policy.envelope, '"payload":"')),
      ['keys.policy'],
    ],
    [
      'a release statement',
      ({ releases }) => (releases[0]!.envelope = flipText(releases[0]!.envelope, '"payload":"')),
      ['kms.release-logged'],
    ],
    [
      'the key set',
      ({ keySet }) => (keySet.envelope = flipText(keySet.envelope, '"sig":"')),
      ['keys.receipt'],
    ],
    ['a proof', ({ keySet }) => (keySet.proof[0] = 'ab'.repeat(32)), ['keys.logged']],
    [
      'the checkpoint',
      (trust) => (trust.checkpoint = flipText(trust.checkpoint, `${trust.checkpoint.split('\n')[1]}\n`)),
      ['log.checkpoint'],
    ],
  ])(claim('chain.evidence', 'is refused by name after a change of %s'), (_what, change, steps) => {
    const trust = structuredClone(own.saved.trust)
    change(trust)
    const result = verify(own.world, { ...own.saved, trust }, subjectOf(own))
    expect(failed(result)).toEqual(steps)
    expect(result.ok).toBe(false)
    expect(stepOf(result.steps, 'receipt.trust')).toMatchObject({ status: 'skipped', required: true })
  })

  it('is refused after any flipped byte of the bundle', () => {
    const bytes = canonicalJson(own.saved)
    // What a piece of collateral is called is no part of what the vendor signed, and a verifier does not go by it.
    const withoutNames = ({ kms, ...rest }: TrustBundle): unknown => ({
      ...rest,
      kms: {
        ...kms,
        evidence: kms.evidence.map((one) => [one.evidence, Object.values(one.collateral).toSorted()]),
      },
    })
    const verifyOne = createReceiptVerifier(own.world.policy)
    for (let at = Buffer.from(bytes).indexOf('"trust":'); at < bytes.length; at += STRIDE) {
      const flipped = bytes.slice()
      flipped[at]! ^= 1
      let saved: SavedReceipt
      try {
        saved = parseSavedReceipt(flipped)
      } catch (error) {
        expect(error).toHaveProperty('code')
        continue
      }
      const result = verifyOne(saved)
      if (result.ok) expect(withoutNames(saved.trust!), `byte ${at}`).toEqual(withoutNames(own.saved.trust))
      else expect(failed(result), `byte ${at}`).not.toEqual([])
    }
  })

  it('has the bytes that were judged, and no others', () => {
    const again = parseSavedReceipt(canonicalJson(own.saved))
    expect(encodeTrustBundle(again.trust!)).toEqual(encodeTrustBundle(own.world.bundle))
  })
})

describe('a trust bundle that is not of this receipt', () => {
  it(claim('T1', 'is refused when it is of another service'), async () => {
    const [own, other] = [await kept(), await kept()]
    const result = verify(own.world, { ...own.saved, trust: other.world.bundle })
    expect(failed(result)).toEqual(expect.arrayContaining(['log.checkpoint', 'genesis.pinned']))
    expect(result.ok).toBe(false)
  })

  it(claim('T1', 'is refused when it is of another genesis in the same log'), async () => {
    const own = await kept()
    const other = await kept({ genesis: (genesis) => ({ ...genesis, name: 'another' }) })
    // Everything of that one, under a log and witnesses that the policy accepts.
    const policy = { ...other.world.policy, genesis: own.world.genesisDigest }
    const result = verify({ ...other.world, policy }, { ...own.saved, trust: other.world.bundle })
    expect(failed(result)).toContain('genesis.pinned')
  })

  it(
    claim(
      'chain.evidence',
      'is refused when its evidence binds another statement key than signed the release',
    ),
    async () => {
      const world = await createWorld({ now: FAKE_NOW, tee: snpTee(amd) })
      const { saved } = await receiptOfAnotherBoot(world, fakeSigner())
      // The KMS certified both keys; the hardware of the bundle stands behind one of them.
      expect(verify(world, saved)).toMatchObject({ ok: true })
      const result = verify(world, { ...saved, trust: world.bundle })
      expect(failed(result)).toEqual(['receipt.trust'])
      expect(stepOf(result.steps, 'receipt.trust').reason).toContain('KMS statement key')
    },
  )

  it.each<[string, ReceiptOptions, string]>([
    [
      'has no such key',
      {
        release: (release) => ({ ...release, keyIds: [9] }),
        receipt: (receipt) => ({ ...receipt, keyId: 9 }),
      },
      'no such key',
    ],
    [
      'is of another key-release policy',
      { release: (release) => ({ ...release, policy: '1'.repeat(64) }) },
      'key-release policy',
    ],
  ])(claim('T2', 'is refused when it %s'), async (_what, options, reason) => {
    const own = await kept({}, options)
    const result = verify(own.world, own.saved, subjectOf(own))
    expect(failed(result)).toEqual(['receipt.trust'])
    expect(stepOf(result.steps, 'receipt.trust').reason).toContain(reason)
  })

  it(claim('chain.log', 'is refused when it shows another tree of the same size'), async () => {
    const { world, saved } = await kept()
    const { bundle, log } = world
    const fork = log.fork(Number(bundle.checkpoint.split('\n')[1]))
    fork.append(utf8('what the receipt has not seen'))
    const checkpoint = await fork.checkpoint({ time: world.now - 30 })
    const trust = await composeTrustBundle(
      { ...bundle, kms: bundle.kms, certificate: bundle.kms.certificate },
      checkpoint,
      tileProver(fork.size, fork.readTile),
    )
    expect(fork.size).toBe(log.size)
    const result = verify(world, { ...saved, trust })
    expect(failed(result)).toEqual(['receipt.trust'])
    expect(stepOf(result.steps, 'receipt.trust').reason).toContain('tree of the log')
  })

  it('is refused when its witnesses are too few, by that name', async () => {
    const own = await kept({ witnesses: 1 })
    expect(failed(verify(own.world, own.saved))).toEqual(['log.witnesses', 'log.witnesses-independent'])
  })
})

/** A release by a KMS that has restarted: its statement key is another one, which the root key certified too. */
async function receiptOfAnotherBoot(world: World, kms: DsseSigner): Promise<MintedReceipt> {
  const certificate: KmsCertificate = {
    version: 1,
    genesis: world.genesisDigest,
    signingKey: toBase64Url(kms.publicKey),
    notBefore: world.now - 100,
    notAfter: world.now + 86_400,
  }
  const envelope = signDsse(PAYLOAD_TYPES.kmsCertificate, encodeDocument(certificate), [world.signers.root])
  world.log.append(envelope)
  const minted = await createReceipt(world, { signers: { release: kms } })
  const proven = await world.log.prove(envelope)
  return {
    ...minted,
    saved: { ...minted.saved, certificate: { ...minted.saved.certificate, certificate: proven } },
  }
}
