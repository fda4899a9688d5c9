import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import {
  type Component,
  encodeDocument,
  PAYLOAD_TYPES,
  RELEASE_PREDICATE,
  type ReleaseStatement,
} from '@sotto/protocol/keyrelease'
import { requireMeasuredPolicy } from '../../../kms/src/root/azure-managed-hsm/release-policy.ts'
import { signer } from '../../../kms/test/world.ts'
import { Table } from './table.ts'

let table: Table
beforeEach(() => void (table = new Table()))
afterEach(() => table.clear())

const MAA = 'https://sotto.weu.attest.azure.net'
const KEY = { maa: MAA, allowMutablePolicy: false }
const [PROGRAM, OTHER, CONFIG] = ['ab'.repeat(48), '01'.repeat(48), 'cd'.repeat(32)]
const SNP: Component = { family: 'sev-snp', measurements: [PROGRAM], hostData: [CONFIG] }
const TDX: Component = {
  family: 'tdx',
  mrTd: [PROGRAM],
  rtmr1: [PROGRAM],
  rtmr2: [OTHER],
  mrConfigId: [CONFIG.padEnd(96, '0')],
}

function envelopeOf(
  evidence: Component,
  change: Partial<ReleaseStatement['predicate']> = {},
  type: string = PAYLOAD_TYPES.release,
): string {
  const statement: ReleaseStatement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: 'image', digest: { sha256: 'a1'.repeat(32) } },
      { name: 'configuration', digest: { sha256: CONFIG } },
    ],
    predicateType: RELEASE_PREDICATE,
    predicate: { role: 'kms', version: '1.0.0', securityVersion: 1, evidence, createdAt: 1, ...change },
  }
  return fromUtf8(signDsse(type, encodeDocument(statement), [signer(9)]))
}
const logged = (...envelopes: string[]): string =>
  JSON.stringify(envelopes.map((envelope, index) => ({ envelope, index })))
const skr = (text: string, maa = MAA): ReturnType<Table['sotto']> => {
  table.write('release.json', JSON.parse(text) as object)
  return table.sotto(['keys', 'skr-policy', 'release.json', '--maa', maa])
}

describe('sotto keys skr-policy', () => {
  it('fixes program, configuration, hardware and that nobody looks in', async () => {
    const { code, stdout } = await skr(logged(envelopeOf(SNP)))
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      version: '1.0.0',
      anyOf: [
        {
          authority: MAA,
          allOf: [
            { claim: 'x-ms-attestation-type', equals: 'sevsnpvm' },
            { claim: 'x-ms-sevsnpvm-is-debuggable', equals: 'false' },
            { claim: 'x-ms-sevsnpvm-launchmeasurement', equals: PROGRAM },
            { claim: 'x-ms-sevsnpvm-hostdata', equals: CONFIG },
          ],
        },
      ],
    })
  })

  it('makes what a KMS takes, for every way that the evidence can be', async () => {
    const two = { ...SNP, measurements: [PROGRAM, OTHER] }
    const both = await skr(logged(envelopeOf(two), envelopeOf({ ...SNP, measurements: ['02'.repeat(48)] })))
    expect((JSON.parse(both.stdout) as { anyOf: unknown[] }).anyOf).toHaveLength(3)
    requireMeasuredPolicy({ data: utf8(both.stdout), isImmutable: true }, KEY, 'sev-snp')
    const td = await skr(logged(envelopeOf(TDX)))
    requireMeasuredPolicy({ data: utf8(td.stdout), isImmutable: true }, KEY, 'tdx')
  })

  it('reads the file of a build, too', async () => {
    const hash = 'a1'.repeat(32)
    const file = {
      format: 'sotto-release/1',
      version: '1.0.0',
      flavour: 'release',
      arch: 'x86_64',
      source: { digest: hash },
      roles: {
        kms: {
          measurement: hash,
          image: hash,
          sbom: hash,
          statements: { release: { envelope: envelopeOf(SNP) } },
        },
      },
    }
    const { code, stdout } = await skr(JSON.stringify(file))
    expect([code, stdout.includes(PROGRAM)]).toEqual([0, true])
    const unsigned = { ...file, roles: { kms: { measurement: hash, image: hash, sbom: hash } } }
    expect((await skr(JSON.stringify(unsigned))).code).toBe(2)
  })

  it.each<[string, string, string]>([
    ['another role', logged(envelopeOf(SNP, { role: 'inference' })), 'CLI_CONFIG'],
    [
      'hardware that no key is released to',
      logged(envelopeOf({ family: 'nitro', pcrs: { 0: [PROGRAM] } })),
      'CLI_CONFIG',
    ],
    [
      'a release that names no program',
      logged(envelopeOf({ family: 'sev-snp', hostData: [CONFIG] })),
      'CLI_CONFIG',
    ],
    ['another configuration', logged(envelopeOf({ ...SNP, hostData: ['ef'.repeat(32)] })), 'CLI_CONFIG'],
    ['another document', logged(envelopeOf(SNP, {}, PAYLOAD_TYPES.genesis)), 'CLI_CONFIG'],
    ['something else', '{"version":1}', 'CLI_CONFIG'],
    ['a release file that is none', '{"format":"other/1"}', 'CLI_FILE'],
  ])('refuses %s', async (_, text, expected) => {
    const { code, stdout, stderr } = await skr(text)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`[${expected}]`)
  })

  it.each(['http://sotto.weu.attest.azure.net', 'https://attest.example', `${MAA}/`, `${MAA}:1`])(
    'refuses %s as an attestation service',
    async (maa) => {
      const { code, stderr } = await skr(logged(envelopeOf(SNP)), maa)
      expect([code, stderr.includes('[CLI_USAGE]')]).toEqual([2, true])
    },
  )
})
