import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Reason } from '@sotto/verifier/family'
import {
  type SevSnpPolicy,
  SNP_PRODUCTS,
  snpVendorRoots,
  verifySevSnp,
  verifySnpCertificates,
} from '@sotto/verifier/snp'
import {
  areVectorsPresent,
  inputOf,
  type RealVector,
  realVectors,
  vectorFolder,
  WHY_SKIPPED,
} from './real-vectors.ts'

/** Class of refusal by the sentence of a vector. */
const CLASSES: readonly [RegExp, Reason][] = [
  [/no_vcek/, 'collateral-missing'],
  [/leaf<-ask/, 'chain'],
  [/report_data binding/, 'binding'],
  [/report signature/, 'signature'],
  [/MBZ/, 'malformed'],
  [/debug/, 'debug'],
  [/vmpl/, 'guest-policy'],
  [/host_data/, 'measurement'],
]
const REMARKS = ['strict_policy_result', 'reject_reason']

const vectors = realVectors()
const reports = vectors.filter(({ report }) => report !== undefined)
const certificates = vectors.filter(({ report }) => report === undefined)
const refused = reports.filter((vector) => vector.expect['strict_policy_result'] === 'reject')
const accepted = reports.filter((vector) => vector.expect['strict_policy_result'] === 'accept')
const named = (list: readonly RealVector[]): [string, RealVector][] => list.map((one) => [one.name, one])

function fieldsOf({ expect }: RealVector): Record<string, unknown> {
  const isField = ([name, value]: [string, unknown]): boolean =>
    !REMARKS.includes(name) && !(name === 'policy' && typeof value === 'object')
  return Object.fromEntries(Object.entries(expect).filter(isField))
}

describe.skipIf(!areVectorsPresent)(`reports of real processors ${WHY_SKIPPED}`, () => {
  it('are there', () => {
    expect(accepted.length).toBeGreaterThanOrEqual(10)
    expect(refused.length).toBeGreaterThanOrEqual(10)
  })

  it.each(named(accepted))('%s is accepted, with the published fields', (_name, vector) => {
    const verdict = verifySevSnp(inputOf(vector))
    expect(verdict.steps.filter(({ status }) => status === 'fail')).toEqual([])
    expect(verdict).toMatchObject({ family: 'sev-snp', authentic: true, acceptable: true, reason: null })
    expect(verdict.fields).toMatchObject(fieldsOf(vector))
    expect(verdict.trustedParties[0]).toMatch(/^AMD/)
    const [, notAfter] = verdict.fields['chain_valid'] as readonly [string, string]
    expect(verdict.validUntil).toBe(Date.parse(notAfter) / 1000)
  })

  it.each(named(refused))(
    '%s is refused for the published reason, with the published fields',
    (_name, vector) => {
      const verdict = verifySevSnp(inputOf(vector))
      const sentence = vector.expect['reject_reason'] as string
      expect(verdict.acceptable).toBe(false)
      expect(verdict.reason).toEqual(
        CLASSES.find(([pattern]) => pattern.test(sentence))?.[1] ?? expect.any(String),
      )
      expect(verdict.fields).toMatchObject(fieldsOf(vector))
    },
  )

  it.each(named(certificates))(
    '%s is a genuine certificate, with the published extensions',
    (_name, vector) => {
      const { authentic, reason, fields } = verifySnpCertificates(vector.collateral, vector.at)
      expect({ authentic, reason }).toEqual({ authentic: true, reason: null })
      expect(fields).toMatchObject(fieldsOf(vector))
    },
  )

  it.each(named(reports))('%s comes out the same under other names and in another order', (_name, vector) => {
    const input = inputOf(vector)
    const pieces = Object.values(input.collateral).toReversed()
    const renamed = Object.fromEntries(pieces.map((bytes, index) => [`piece ${index}`, bytes]))
    expect(verifySevSnp({ ...input, collateral: renamed })).toEqual(verifySevSnp(input))
  })

  it.each(named(refused))('%s is refused without any one piece', (_name, vector) => {
    const input = inputOf(vector)
    for (const name of Object.keys(input.collateral)) {
      const { [name]: _left, ...collateral } = input.collateral
      expect(verifySevSnp({ ...input, collateral }).acceptable, `without ${name}`).toBe(false)
    }
  })

  it.each(named(accepted))('%s is not authentic without its leaf or without its issuer', (_name, vector) => {
    const input = inputOf(vector)
    for (const [name, bytes] of Object.entries(input.collateral)) {
      const isEndorsement = bytes[0] === 0xd2
      if (isEndorsement) continue
      const { [name]: _left, ...collateral } = input.collateral
      expect(verifySevSnp({ ...input, collateral })).toMatchObject({
        authentic: false,
        acceptable: false,
        reason: 'collateral-missing',
      })
    }
  })

  it.each<[string, SevSnpPolicy]>([
    ['debug', { allowDebug: true }],
    ['vmpl', { vmpls: [0, 1] }],
    ['host_data', { hostData: ['73973b78d70cc68353426de188db5dfc57e5b766e399935fb73a61127ea26d20'] }],
  ])('what is refused for %s alone is accepted by a policy that allows it', (sentence, policy) => {
    const about = refused.filter(({ expect }) => (expect['reject_reason'] as string).includes(sentence))
    expect(about.length).toBeGreaterThan(0)
    const onlyThat = about.filter(
      (vector) => verifySevSnp(inputOf(vector)).steps.filter(({ status }) => status === 'fail').length === 1,
    )
    for (const vector of onlyThat) expect(verifySevSnp({ ...inputOf(vector), policy }).acceptable).toBe(true)
  })

  it('are refused before and after the validity of their certificates', () => {
    for (const vector of accepted) {
      const [notBefore, notAfter] = vector.expect['chain_valid'] as [string, string]
      for (const at of [Date.parse(notBefore) / 1000 - 1, Date.parse(notAfter) / 1000 + 1, Number.NaN])
        expect(verifySevSnp({ ...inputOf(vector), at })).toMatchObject({
          authentic: false,
          reason: 'expired',
        })
      for (const at of [Date.parse(notBefore) / 1000, Date.parse(notAfter) / 1000])
        expect(verifySevSnp({ ...inputOf(vector), at }).steps).toContainEqual(
          expect.objectContaining({ name: 'sev-snp.validity', status: 'pass' }),
        )
    }
  })
})

describe.skipIf(!areVectorsPresent)(`the pinned roots ${WHY_SKIPPED}`, () => {
  const roots = join(vectorFolder, 'roots')
  it.each(SNP_PRODUCTS)('ARK of %s is the one that AMD publishes', (product) => {
    const files = [
      `amd_${product}_ask_ark.pem`,
      `amd_${product}_vcek_ask_ark.pem`,
      `amd_${product}_vlek_ask_ark.pem`,
    ]
    const texts = files.flatMap((file) => {
      try {
        return [readFileSync(join(roots, file), 'utf8')]
      } catch {
        return []
      }
    })
    expect(texts.length).toBe(2)
    for (const text of texts) {
      const ark = new X509Certificate(text.slice(text.lastIndexOf('-----BEGIN')))
      expect(toHex(snpVendorRoots().arks[product].der)).toBe(ark.raw.toString('hex'))
    }
  })

  it('the root of endorsements is the one that Microsoft publishes', () => {
    const { raw } = new X509Certificate(readFileSync(join(roots, 'microsoft_supply_chain_rsa_root_2022.pem')))
    expect(snpVendorRoots().uvmRoot).toBe(toHex(crypto.sha256(new Uint8Array(raw))))
  })
})
