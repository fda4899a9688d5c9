import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { boolean, canonicalJson, type Decoder, hex, integer, list, object, oneOf } from '@sotto/protocol/jcs'
import { BINDINGS, type Families, type FamilyEntry, type PieceVerdict } from '@sotto/verifier/appraisal'
import type { CollateralDate, EvidenceInput, Reason } from '@sotto/verifier/family'
import type { Members } from '../../src/appraisal/meaning.ts'

/** A family whose evidence is what it says, with one policy member of every meaning there is. */
export interface FakePolicy {
  measurements?: string[]
  hostData?: string[]
  levels?: number[]
  tolerated?: string[]
  features?: string[]
  allowDebug?: boolean
  requireSeal?: boolean
  minimum?: number
  abi?: { major: number; minor: number }
  maximum?: number
  endorsement?: { svn?: number }
  products?: Record<string, { firmware?: number }>
  registers?: { index: number; values: string[] }[]
}

/** What a fake report says. */
export interface FakeReport {
  measurement: string
  hostData: string
  level: number
  problems: string[]
  features: string[]
  debug: boolean
  sealed: boolean
  svn: number
  abi: [number, number]
  age: number
  /** Security version of an endorsement; absent: none. */
  endorsed?: number
  product: string
  firmware: number
  registers: string[]
  bound: string
  time?: number
  /** Name of a GPU. */
  device?: string
  forged?: boolean
}

const ANY: Omit<FakeReport, 'bound'> = {
  measurement: 'aa',
  hostData: 'bb',
  level: 0,
  problems: [],
  features: [],
  debug: false,
  sealed: true,
  svn: 5,
  abi: [1, 5],
  age: 5,
  endorsed: 5,
  product: 'milan',
  firmware: 5,
  registers: ['a0', 'a1'],
}

/** Evidence bytes of a fake family. */
export function fakeEvidence(bound: Uint8Array | undefined, changes: Partial<FakeReport> = {}): Uint8Array {
  return canonicalJson({ ...ANY, bound: bound === undefined ? '' : toHex(bound), ...changes })
}

const MEMBERS: Members = {
  measurements: { is: 'allow', what: 'MEASUREMENT', absent: 'any', pins: 'program' },
  hostData: { is: 'allow', what: 'HOST_DATA', absent: 'any', pins: 'configuration' },
  levels: { is: 'allow', what: 'level', absent: [0], code: 'level' },
  tolerated: { is: 'tolerate', what: 'problem', code: 'problem' },
  features: { is: 'demand', what: 'feature' },
  allowDebug: { is: 'permit', what: 'guests in debug mode', code: 'debug' },
  requireSeal: { is: 'require', what: 'a seal' },
  minimum: { is: 'floor', what: 'SVN', absent: 0 },
  abi: { is: 'floor', what: 'ABI', order: ['major', 'minor'] },
  maximum: { is: 'ceiling', what: 'age' },
  endorsement: {
    is: 'parts',
    what: 'an endorsement',
    presence: 'demand',
    members: { svn: { is: 'floor', what: 'its SVN', absent: 0 } },
  },
  products: {
    is: 'keyed',
    what: 'product',
    others: 'refused',
    members: { firmware: { is: 'floor', what: 'firmware' } },
  },
  registers: {
    is: 'keyed',
    what: 'register',
    key: 'index',
    others: 'unrestricted',
    members: { values: { is: 'allow', what: 'value', absent: 'any' } },
  },
}

const product: Decoder<object> = optional({ firmware: integer(0, 9) })
const decodePolicy: Decoder<object> = optional({
  measurements: list(hex(1), 1, 9),
  hostData: list(hex(1), 1, 9),
  levels: list(integer(0, 3), 1, 4),
  tolerated: list(oneOf('slow', 'old', 'odd'), 0, 3),
  features: list(oneOf('ecc', 'tsme'), 0, 2),
  allowDebug: boolean(),
  requireSeal: boolean(),
  minimum: integer(0, 9),
  abi: object({ major: integer(0, 9), minor: integer(0, 9) }),
  maximum: integer(0, 9),
  endorsement: optional({ svn: integer(0, 9) }),
  products: optional({ milan: product, genoa: product }),
  registers: list(object({ index: integer(0, 9), values: list(hex(1), 1, 9) }), 1, 4),
})

function verify(family: FamilyEntry['family'], input: EvidenceInput<object>): PieceVerdict {
  const report = JSON.parse(fromUtf8(input.evidence)) as FakeReport
  const policy = (input.policy ?? {}) as FakePolicy
  const { expectedReportData: expected } = input
  const isBound = expected === undefined ? 'skipped' : toHex(expected) === report.bound ? 'pass' : 'fail'
  const defects = findDefects(report, policy)
  const step = (
    name: string,
    status: 'pass' | 'fail' | 'skipped',
    of: Reason,
  ): PieceVerdict['steps'][number] => ({
    name,
    title: name,
    required: name !== BINDINGS[family].step,
    status,
    ...(status === 'fail' && { class: of, reason: 'no' }),
  })
  const steps = [
    step(`${family}.signature`, report.forged ? 'fail' : 'pass', 'signature'),
    step(BINDINGS[family].step, isBound, 'binding'),
    ...defects.map(([name, of]) => step(`${family}.${name}`, 'fail', of)),
  ]
  const isAcceptable = steps.every(({ status }) => status !== 'fail')
  return {
    family,
    authentic: report.forged !== true && isBound !== 'fail',
    acceptable: isAcceptable,
    reason: steps.find(({ status }) => status === 'fail')?.class ?? null,
    steps,
    fields: {
      ...(report.time !== undefined && { time: report.time }),
      ...(report.device !== undefined && { device: report.device }),
    },
    trustedParties: [`maker of ${family}`],
    dates: datesOf(input.collateral),
    validUntil: null,
  }
}

/** Every issue date in what came along: a fake family verifies nothing and uses all of it. */
function datesOf(collateral: EvidenceInput<object>['collateral']): CollateralDate[] {
  return Object.values(collateral).flatMap((piece) =>
    [...fromUtf8(piece).matchAll(/"issueDate\\?":\\?"([^"\\]+)/g)].map(([, text]): CollateralDate => ({
      kind: 'collateral',
      issuedAt: Date.parse(text!) / 1000,
    })),
  )
}

function findDefects(report: FakeReport, policy: FakePolicy): [string, Reason][] {
  const defects: [string, Reason][] = []
  const need = (isSo: boolean, name: string, of: Reason): void => {
    if (!isSo) defects.push([name, of])
  }
  const { measurements, hostData, levels = [0], tolerated = [], features = [], abi, products } = policy
  need(policy.allowDebug === true || !report.debug, 'debug', 'debug')
  need(measurements?.includes(report.measurement) ?? true, 'measurement', 'measurement')
  need(hostData?.includes(report.hostData) ?? true, 'host-data', 'measurement')
  need(levels.includes(report.level), 'level', 'guest-policy')
  need(
    report.problems.every((problem) => tolerated.includes(problem)),
    'problems',
    'tcb',
  )
  need(
    features.every((feature) => report.features.includes(feature)),
    'features',
    'guest-policy',
  )
  need(policy.requireSeal !== true || report.sealed, 'seal', 'guest-policy')
  need(report.svn >= (policy.minimum ?? 0), 'svn', 'tcb')
  const [major, minor] = report.abi
  need(abi === undefined || major > abi.major || (major === abi.major && minor >= abi.minor), 'abi', 'tcb')
  need(report.age <= (policy.maximum ?? Infinity), 'age', 'tcb')
  const { endorsement } = policy
  need(
    endorsement === undefined || (report.endorsed !== undefined && report.endorsed >= (endorsement.svn ?? 0)),
    'endorsement',
    'measurement',
  )
  const floor = products === undefined ? {} : products[report.product]
  need(floor !== undefined && report.firmware >= (floor.firmware ?? 0), 'firmware', 'tcb')
  for (const { index, values } of policy.registers ?? [])
    need(values.includes(report.registers[index] ?? ''), `register-${index}`, 'measurement')
  return defects
}

function fake(family: FamilyEntry['family'], title: string): [FamilyEntry['family'], FamilyEntry] {
  return [
    family,
    {
      family,
      title,
      decodePolicy,
      verify: (input) => verify(family, input),
      members: MEMBERS,
      binding: BINDINGS[family],
      trustedParties: [`maker of ${family}`],
      ...(family === 'nitro' && { signedAt: ({ time }) => time as number | undefined }),
      ...(family === 'nvidia' && { devicesOf: ({ device }) => [typeof device === 'string' ? [device] : []] }),
      ...(family === 'tdx' && { endorsements: ['collateral', 'revocation'] as const }),
    },
  ]
}

/** Two processors, one with signed times, a service, a GPU and the software TEE, all fake. */
export const FAKE_FAMILIES: Families = new Map([
  fake('sev-snp', 'fake SNP'),
  fake('tdx', 'fake TDX'),
  fake('nitro', 'fake Nitro'),
  fake('azure-maa', 'fake token'),
  fake('nvidia', 'fake GPU'),
  fake('software', 'fake software TEE'),
])

/** A binding of 64 equal bytes. */
export function binding(byte = 1): Uint8Array {
  return new Uint8Array(64).fill(byte)
}

function optional(fields: Record<string, Decoder<unknown>>): Decoder<object> {
  return (value, path) => {
    const given = Object.entries(fields).filter(
      ([name]) => typeof value === 'object' && value !== null && Object.hasOwn(value, name),
    )
    return object(Object.fromEntries(given))(value, path)
  }
}

/** Text as evidence or collateral. */
export const bytesOf: (text: string) => Uint8Array = utf8
