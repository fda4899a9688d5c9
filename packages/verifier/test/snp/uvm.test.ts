import { describe, expect, it } from 'vitest'
import { toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { CborTag } from '@sotto/protocol/cbor'
import { crypto } from '@sotto/protocol/crypto-backend'
import { fakeAmd, fakeUvmSigner, type UvmOptions } from '@sotto/testkit/snp'
import { FAKE_NOW } from '@sotto/testkit/x509'
import type { EvidenceVerdict } from '@sotto/verifier/family'
import type { SevSnpPolicy } from '@sotto/verifier/snp'
import { areVectorsPresent, inputOf, realVectors, WHY_SKIPPED } from './real-vectors.ts'
import { failed, judge, statusOf } from './judge.ts'
import { verifySevSnp } from '@sotto/verifier/snp'

const microsoft = fakeUvmSigner()
const amd = fakeAmd(microsoft.root)
const chip = amd.chip()
const judgeWith = (endorsement: Uint8Array, policy: SevSnpPolicy = {}, at = FAKE_NOW): EvidenceVerdict =>
  judge(chip, { collateral: { ...chip.collateral, endorsement }, policy, at }, amd.roots)
const endorsed = (options: UvmOptions = {}, policy: SevSnpPolicy = {}): EvidenceVerdict =>
  judgeWith(microsoft.endorse(options), policy)

describe('the endorsement of a utility VM', () => {
  it('is accepted with its fields, though the certificate of its signer has expired since', () => {
    const verdict = endorsed()
    expect(failed(verdict)).toEqual({})
    expect(verdict.fields['uvm_endorsement']).toMatchObject({
      cose_alg: -38,
      feed: 'ContainerPlat-AMD-UVM',
      svn: '101',
      launchmeasurement: '01'.repeat(48),
      x5chain_root_sha256: microsoft.root.slice(0, 16),
    })
    expect(verdict.trustedParties).toContainEqual(expect.stringContaining('Microsoft'))
  })

  it.each([3, 4, 8])(
    'is no endorsement when the pinned root only follows another chain of %i authorities',
    (depth) => {
      const stranger = fakeUvmSigner(microsoft.eku, depth)
      const forged = stranger.endorse({
        chain: [...stranger.chain, microsoft.chain.at(-1)!],
        issuer: `did:x509:0:sha256:${toBase64Url(crypto.sha256(microsoft.chain.at(-1)!))}::eku:${microsoft.eku}`,
      })
      expect(failed(judgeWith(forged, { uvm: {} }))['sev-snp.uvm-endorsement']).toBe('collateral-invalid')
      expect(judgeWith(forged, { uvm: {} }).authentic).toBe(false)
    },
  )

  it('is optional, and mandatory where the policy says so', () => {
    expect(statusOf(judge(chip, {}, amd.roots), 'sev-snp.uvm-measurement')).toBe('skipped')
    expect(failed(judge(chip, { policy: { uvm: {} } }, amd.roots))).toEqual({
      'sev-snp.uvm-measurement': 'collateral-missing',
    })
  })

  it.each<[string, UvmOptions, SevSnpPolicy]>([
    ['older than the floor', {}, { uvm: { minimumSvn: 102 } }],
    ['another kind than the policy wants', {}, { uvm: { feed: 'ConfAKS-AMD-UVM' } }],
    ['another kind than is known', { feed: 'ConfAKS-AMD-UVM' }, {}],
    ['by a signer for another purpose', {}, { uvm: { eku: '1.3.6.1.4.1.311.76.59.1.5' } }],
  ])('is genuine and refused when it is %s', (_what, options, policy) => {
    const verdict = endorsed(options, policy)
    expect(failed(verdict)).toEqual({ 'sev-snp.uvm-measurement': 'measurement' })
    expect(verdict.authentic).toBe(true)
  })

  it('of another kind and purpose is accepted where the policy names both', () => {
    const eku = '1.3.6.1.4.1.311.76.59.1.5'
    const signer = fakeUvmSigner(eku)
    const other = fakeAmd(signer.root)
    const guest = other.chip()
    const collateral = {
      ...guest.collateral,
      endorsement: signer.endorse({ feed: 'ConfAKS-AMD-UVM', svn: '0' }),
    }
    const policy = { uvm: { feed: 'ConfAKS-AMD-UVM', eku } }
    expect(failed(judge(guest, { collateral, policy }, other.roots))).toEqual({})
    expect(failed(judge(guest, { collateral }, other.roots))).toEqual({
      'sev-snp.uvm-measurement': 'measurement',
    })
  })

  const did = (fingerprint: string, policy = `eku:${microsoft.eku}`): string =>
    `did:x509:0:sha256:${fingerprint}::${policy}`
  const fingerprint = toBase64Url(crypto.sha256(microsoft.chain[2]!))
  const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value))
  const launch = { 'x-ms-sevsnpvm-launchmeasurement': '01'.repeat(48) }

  it.each<[string, UvmOptions]>([
    ['is of another measurement', { measurement: new Uint8Array(48).fill(2) }],
    ['has another algorithm', { header: (header) => header.set(1, -37) }],
    ['has a critical header that is not understood', { header: (header) => header.set(2, ['feed']) }],
    ['has no chain', { header: (header) => header.delete(33) }],
    ['has the leaf alone', { chain: [microsoft.chain[0]!] }],
    ['has no intermediate', { chain: [microsoft.chain[0]!, microsoft.chain[2]!] }],
    ['leaves out its root', { chain: microsoft.chain.slice(0, 2) }],
    [
      'has its chain in another order',
      { chain: [microsoft.chain[1]!, microsoft.chain[0]!, microsoft.chain[2]!] },
    ],
    ['names another leaf', { header: (header) => header.set(34, [-16, new Uint8Array(32)]) }],
    ['names its leaf by another hash', { header: (header) => header.set(34, [-15, new Uint8Array(8)]) }],
    ['has no issuer', { header: (header) => header.delete('iss') }],
    ['has an issuer that is a number', { header: (header) => header.set('iss', 7) }],
    ['has no feed', { header: (header) => header.delete('feed') }],
    ['names another root', { issuer: did(toBase64Url(new Uint8Array(32))) }],
    ['names its intermediate for a root', { issuer: did(toBase64Url(crypto.sha256(microsoft.chain[1]!))) }],
    ['names a purpose that its leaf has not', { issuer: did(fingerprint, 'eku:1.2.3') }],
    ['names another policy', { issuer: did(fingerprint, 'subject:CN:Fake%20ContainerPlat') }],
    ['names two policies', { issuer: did(fingerprint, `eku:${microsoft.eku}::eku:1.2.3`) }],
    ['names no policy', { issuer: `did:x509:0:sha256:${fingerprint}` }],
    ['names another version of did:x509', { issuer: did(fingerprint).replace(':0:', ':1:') }],
    ['names another hash', { issuer: did(fingerprint).replace('sha256', 'sha512') }],
    ['names its root in another spelling', { issuer: did(fingerprint.slice(0, -1) + '.') }],
    ['is of another method', { issuer: 'did:web:example.com' }],
    ['has a payload that is no JSON by its header', { header: (header) => header.set(3, 'text/plain') }],
    ['has a payload that is no JSON', { payload: utf8('not JSON') }],
    ['has a payload that is no object', { payload: json(null) }],
    ['has no measurement', { payload: json({ 'x-ms-sevsnpvm-guestsvn': '1' }) }],
    ['has no security version', { payload: json(launch) }],
    [
      'has a security version that is no number',
      { payload: json({ ...launch, 'x-ms-sevsnpvm-guestsvn': '1e9' }) },
    ],
    [
      'has a security version with zeros before it',
      { payload: json({ ...launch, 'x-ms-sevsnpvm-guestsvn': '099' }) },
    ],
    [
      'has a member twice',
      { payload: utf8('{"x-ms-sevsnpvm-guestsvn":"1","x-ms-sevsnpvm-guestsvn":"999"}') },
    ],
    ['has a time of signing that is text', { header: (header) => header.set('signingtime', '2026') }],
    [
      'was signed after its signer’s certificate had expired',
      { header: (header) => header.set('signingtime', new CborTag(1, FAKE_NOW - 60)) },
    ],
    [
      'was signed before its signer was certified',
      { header: (header) => header.set('signingtime', new CborTag(1, FAKE_NOW - 864_000)) },
    ],
  ])('is refused when it %s', (_what, options) => {
    const verdict = endorsed(options)
    expect(verdict).toMatchObject({ authentic: false, acceptable: false, reason: 'collateral-invalid' })
  })

  it('says when it was signed: nothing else says when its certificates have to have been valid', () => {
    expect(failed(endorsed({ header: (header) => header.delete('signingtime') }))).toEqual({
      'sev-snp.uvm-endorsement': 'collateral-invalid',
    })
  })

  it('is not one from the future', () => {
    const at = FAKE_NOW - 100_000
    expect(failed(judgeWith(microsoft.endorse(), {}, at))).toEqual({ 'sev-snp.uvm-endorsement': 'expired' })
  })

  it('is not believed when another Microsoft signed it', () => {
    expect(failed(judgeWith(fakeUvmSigner().endorse()))).toEqual({
      'sev-snp.uvm-endorsement': 'collateral-invalid',
    })
  })

  it('is one: of two nobody could say which counts', () => {
    const collateral = { ...chip.collateral, a: microsoft.endorse(), b: microsoft.endorse({ svn: '999' }) }
    expect(failed(judge(chip, { collateral }, amd.roots))).toEqual({
      'sev-snp.uvm-endorsement': 'collateral-invalid',
    })
  })
})

describe.skipIf(!areVectorsPresent)(`endorsements by Microsoft ${WHY_SKIPPED}`, () => {
  const vectors = realVectors().filter(({ expect }) => 'uvm_endorsement' in expect)
  const pieceOf = (collateral: Record<string, Uint8Array>): [string, Uint8Array] =>
    Object.entries(collateral).find(([, bytes]) => bytes[0] === 0xd2)!

  it('are about one measurement: another report does not pass with them', () => {
    const [one, other] = vectors
    const [name] = pieceOf(one!.collateral)
    const collateral = { ...one!.collateral, [name]: pieceOf(other!.collateral)[1] }
    const verdict = verifySevSnp({ ...inputOf(one!), collateral })
    expect(failed(verdict)).toHaveProperty(['sev-snp.uvm-endorsement'], 'collateral-invalid')
  })

  it('must reach the security version that the policy asks', () => {
    for (const vector of vectors) {
      const { svn } = vector.expect['uvm_endorsement'] as { svn: string }
      const steps = (minimumSvn: number): Record<string, string | undefined> =>
        failed(verifySevSnp({ ...inputOf(vector), policy: { uvm: { minimumSvn } } }))
      expect(steps(Number(svn))).not.toHaveProperty(['sev-snp.uvm-measurement'])
      expect(steps(Number(svn) + 1)).toHaveProperty(['sev-snp.uvm-measurement'], 'measurement')
    }
  })

  it('are refused with any byte changed that is signed', () => {
    for (const vector of vectors) {
      const [name, bytes] = pieceOf(vector.collateral)
      const headerEnd = bytes.findIndex(
        (_, at) => toHex(bytes.subarray(at, at + 9)) === toHex(utf8('timestamp')),
      )
      const tail = bytes.length - 384
      for (const at of [4, 100, 1000, 3000, headerEnd - 5, tail - 40, tail + 10, bytes.length - 1]) {
        const changed = bytes.slice()
        changed[at]! ^= 1
        const verdict = verifySevSnp({
          ...inputOf(vector),
          collateral: { ...vector.collateral, [name]: changed },
        })
        expect(verdict, `byte ${at}`).toMatchObject({ authentic: false })
      }
    }
  })
})
