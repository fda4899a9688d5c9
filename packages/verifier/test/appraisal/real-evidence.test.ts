import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  commitToGpus,
  diffPolicies,
  type EvidencePiece,
  type EvidencePolicy,
  FAMILY_REGISTRY,
  isCovered,
  parseEvidencePolicy,
  testPolicy,
  verifyFamily,
} from '@sotto/verifier/appraisal'
import { choosePieces, type Family, type FieldObject } from '@sotto/verifier/family'
import { FULL_POLICIES } from './full-policies.ts'

const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation',
)
const arePresent = existsSync(folder)
if (!arePresent && process.env['CI']) throw new Error(`vectors are missing: ${folder}`)
const why = arePresent ? '' : ' (skipped: SOTTO_VECTORS has no attestation)'

/** Evidence of real hardware and services, with the time at which it counts. */
interface Real {
  name: string
  piece: EvidencePiece & { family: Family }
  at: number
  fields: FieldObject
  acceptable: boolean
}

function* readReal(): Iterable<Real> {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('expected.json')) continue
    const directory = join(folder, dirname(name))
    const { verify_at: time } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      verify_at: string | null
    }
    const files = readdirSync(directory).filter((file) => file !== 'expected.json')
    const pieces = files.map((file) => [file, new Uint8Array(readFileSync(join(directory, file)))])
    const piece = choosePieces(Object.fromEntries(pieces) as Record<string, Uint8Array>)
    // Manifests are about no device, and logs, keys and certificates no evidence.
    if (piece === undefined || time === null || piece.evidence[0] === 0x3c) continue
    const at = Date.parse(time) / 1000
    const { fields, acceptable } = verifyFamily(piece.family, { ...piece, at })
    yield { name: dirname(name), piece, at, fields, acceptable }
  }
}

const real = arePresent ? [...readReal()] : []
const acceptable = real.filter((one) => one.acceptable)

/** Where each family's evidence says which program runs, and how a policy names it. */
const PROGRAM: Partial<Record<Family, (fields: FieldObject) => object>> = {
  'sev-snp': ({ measurement }) => ({ measurements: [measurement] }),
  tdx: ({ mrtd }) => ({ mrTd: [mrtd] }),
  sgx: ({ mrenclave }) => ({ mrEnclave: [mrenclave] }),
  nitro: ({ pcrs }) => ({ pcrs: { '0': [(pcrs as FieldObject)['0']] } }),
}

/** Which paravisor runs in a machine of Azure: without, no policy is one. */
function paravisorOf(fields: FieldObject): object {
  const of = (part: string, field: string): unknown => (fields[part] as FieldObject | undefined)?.[field]
  const measurement = of('snp', 'measurement')
  return {
    ...(measurement !== undefined && { snp: { measurements: [measurement] } }),
    tdx: { mrTd: [of('tdx', 'mrtd') ?? '00'.repeat(48)] },
  }
}

function policy(...anyOf: object[][]): EvidencePolicy {
  return parseEvidencePolicy(document(...anyOf))
}

function document(...anyOf: object[][]): EvidencePolicy {
  return {
    version: 1,
    name: 'p',
    anyOf: anyOf.map((allOf, index) => ({
      name: `t${index}`,
      allOf,
      ...(JSON.stringify(allOf).includes('"nvidia"') && { gpuBinding: { minGpus: 1, maxGpus: 16 } }),
    })),
    freshness: 'age',
    evidenceMaxAgeSeconds: 86_400,
  } as EvidencePolicy
}

const judge = (
  of: EvidencePolicy,
  pieces: EvidencePiece[],
  at: number,
): ReturnType<typeof testPolicy>[number] => testPolicy(of, [{ name: 'c', pieces, at }])[0]!

describe.skipIf(!arePresent)(`a policy on real evidence${why}`, () => {
  it('has some of every family to judge', () => {
    expect(real.length).toBeGreaterThan(60)
    const families = new Set(acceptable.map(({ piece }) => piece.family))
    expect([...families]).toEqual(expect.arrayContaining(['sev-snp', 'tdx', 'nitro', 'nvidia', 'azure-cvm']))
  })

  it('admits what its family accepts, and nothing else', () => {
    for (const { name, piece, at, fields, acceptable: isAcceptable } of real) {
      if (piece.family === 'nvidia') continue
      const more = piece.family === 'azure-cvm' ? paravisorOf(fields) : {}
      const verdict = judge(policy([{ family: piece.family, ...more }]), [piece], at)
      expect([name, verdict.admitted]).toEqual([name, isAcceptable])
      if (isAcceptable) expect(verdict.assumed).toContain('policy.binding')
    }
  })

  it('refuses every GPU without its processor, and beside one that does not commit to it', () => {
    const cpu = acceptable.find(({ piece }) => piece.family === 'sev-snp')!
    const gpus = real.filter(({ piece }) => piece.family === 'nvidia')
    expect(gpus.length).toBeGreaterThan(3)
    const of = policy(
      [{ family: 'sev-snp' }, { family: 'nvidia' }],
      [{ family: 'sev-snp', minimumGuestSvn: 1 }],
    )
    for (const { name, piece, at } of gpus) {
      expect([name, judge(of, [piece], at).admitted]).toEqual([name, false])
      const binding = new Uint8Array(64)
      const [bound] = testPolicy(of, [
        { name, pieces: [cpu.piece, piece], at: cpu.at, expectedReportData: binding, boundAt: cpu.at },
      ])
      expect([name, bound!.admitted]).toEqual([name, false])
    }
    expect(commitToGpus(new Uint8Array(64), [gpus[0]!.piece.evidence])).toHaveLength(64)
  })

  it('admits a program by its measurement, and refuses it under that of another', () => {
    for (const [family, name] of Object.entries(PROGRAM)) {
      const ofFamily = acceptable.filter(({ piece }) => piece.family === family)
      for (const one of ofFamily) {
        const own = { family, ...name(one.fields) }
        expect([one.name, judge(policy([own]), [one.piece], one.at).admitted]).toEqual([one.name, true])
        const other = ofFamily.find(
          (two) => JSON.stringify(name(two.fields)) !== JSON.stringify(name(one.fields)),
        )
        if (other === undefined) continue
        const verdict = judge(policy([{ family, ...name(other.fields) }]), [one.piece], one.at)
        expect([one.name, verdict.admitted, verdict.reason]).toEqual([one.name, false, 'measurement'])
      }
    }
  })

  it('never mixes the measurement of one tuple with the chip or configuration of another', () => {
    const snp = acceptable.filter(({ piece }) => piece.family === 'sev-snp')
    const [a, b] = [snp[0]!, snp.find(({ fields }) => fields['chip_id'] !== snp[0]!.fields['chip_id'])!]
    const tuple = (measured: Real, chip: Real): object => ({
      family: 'sev-snp',
      measurements: [measured.fields['measurement']],
      chipIds: [chip.fields['chip_id']],
    })
    const crossed = policy([tuple(a, b)], [tuple(b, a)])
    const straight = policy([tuple(a, a)], [tuple(b, b)])
    for (const one of [a, b]) {
      expect(judge(straight, [one.piece], one.at).admitted).toBe(true)
      expect(judge(crossed, [one.piece], one.at).admitted).toBe(false)
    }
  })

  it('means by every member what its family does with it', () => {
    let [lost, won] = [0, 0]
    for (const family of new Set(real.map(({ piece }) => piece.family))) {
      const beside = family === 'nvidia' ? [{ family: 'sev-snp' }] : []
      for (const [name, value] of Object.entries(FULL_POLICIES[family])) {
        const member = { [name]: value }
        // Not parsed: of Azure alone, either may be no policy.
        const [none, one] = [document([...beside, { family }]), document([...beside, { family, ...member }])]
        const changes = diffPolicies(none, one)
        const covers = (outer: EvidencePolicy, inner: EvidencePolicy): boolean =>
          isCovered(inner.anyOf[0]!, outer.anyOf[0]!, (of) => FAMILY_REGISTRY.get(of)!.members)
        for (const { name: vector, piece, at, acceptable: before } of real) {
          if (piece.family !== family) continue
          const after = verifyFamily(family, { ...piece, at, policy: member }).acceptable
          if (before && !after)
            expect([vector, name, changes.refuses.length > 0]).toEqual([vector, name, true])
          if (!before && after)
            expect([vector, name, changes.admits.length > 0]).toEqual([vector, name, true])
          if (before && !after) expect([vector, name, covers(one, none)]).toEqual([vector, name, false])
          if (!before && after) expect([vector, name, covers(none, one)]).toEqual([vector, name, false])
          if (before && !after) lost++
          if (!before && after) won++
        }
      }
    }
    expect(lost).toBeGreaterThan(100)
    expect(won).toBeGreaterThan(3)
  })

  it('demands revocation lists once it says how old they may be', () => {
    const one = acceptable.find(({ piece }) => piece.family === 'sev-snp')!
    const strict = { ...policy([{ family: 'sev-snp' }]), revocationMaxAgeSeconds: 86_400 * 366 }
    const verdict = judge(strict, [one.piece], one.at)
    expect([verdict.admitted, verdict.reason]).toEqual([false, 'collateral-missing'])
    const tdx = acceptable.find(({ piece }) => piece.family === 'tdx')!
    const aged = (seconds: number): EvidencePolicy => ({
      ...policy([{ family: 'tdx' }]),
      collateralMaxAgeSeconds: seconds,
      revocationMaxAgeSeconds: seconds,
    })
    expect(judge(aged(86_400 * 60), [tdx.piece], tdx.at).admitted).toBe(true)
    expect(judge(aged(1), [tdx.piece], tdx.at)).toMatchObject({ admitted: false, reason: 'expired' })
  })
})
