import { describe, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import type { FakeReportFields } from '@sotto/testkit/snp'
import { type SevSnpPolicy, sevSnpPolicyDecoder } from '@sotto/verifier/snp'
import { amd, failed, judge, statusOf } from './judge.ts'

const chip = amd.chip()
type Case = [
  what: string,
  changes: Partial<FakeReportFields>,
  policy: SevSnpPolicy,
  step: string,
  reason: string,
]

const bit = (index: number): bigint => 1n << BigInt(index)
const SOUND = 0x30000n
const measurement = '01'.repeat(48)
const tcb = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)

describe('a report is refused for what it says', () => {
  it.each<Case>([
    ['debug', { policy: SOUND | bit(19) }, {}, 'debug', 'debug'],
    ['migration', { policy: SOUND | bit(18) }, {}, 'guest-policy', 'guest-policy'],
    ['bit 17 zero', { policy: bit(16) }, {}, 'guest-policy', 'guest-policy'],
    ['reserved bits', { policy: SOUND | bit(26) }, {}, 'guest-policy', 'guest-policy'],
    ['a lower privilege', { vmpl: 1 }, {}, 'vmpl', 'guest-policy'],
    ['being asked for by the host', { vmpl: 0xffff_ffff }, {}, 'vmpl', 'guest-policy'],
    [
      'an old ABI',
      { policy: SOUND | 0x136n },
      { minimumAbi: { major: 1, minor: 55 } },
      'guest-policy',
      'guest-policy',
    ],
    ['SMT', {}, { requireGuest: ['smt-off'] }, 'guest-policy', 'guest-policy'],
    ['two sockets', {}, { requireGuest: ['single-socket'] }, 'guest-policy', 'guest-policy'],
    ['CXL', { policy: SOUND | bit(21) }, { requireGuest: ['cxl-off'] }, 'guest-policy', 'guest-policy'],
    ['AES-128', {}, { requireGuest: ['mem-aes-256-xts'] }, 'guest-policy', 'guest-policy'],
    ['RAPL', {}, { requireGuest: ['rapl-off'] }, 'guest-policy', 'guest-policy'],
    ['readable ciphertext', {}, { requireGuest: ['ciphertext-hiding'] }, 'guest-policy', 'guest-policy'],
    ['swapped pages', {}, { requireGuest: ['page-swap-off'] }, 'guest-policy', 'guest-policy'],
    ['SMT of the machine', {}, { requirePlatform: ['smt-off'] }, 'platform-info', 'guest-policy'],
    ['no TSME', {}, { requirePlatform: ['tsme'] }, 'platform-info', 'guest-policy'],
    ['no ECC', { platformInfo: 0n }, { requirePlatform: ['ecc'] }, 'platform-info', 'guest-policy'],
    ['RAPL of the machine', {}, { requirePlatform: ['rapl-off'] }, 'platform-info', 'guest-policy'],
    ['no hiding', {}, { requirePlatform: ['ciphertext-hiding'] }, 'platform-info', 'guest-policy'],
    ['no alias check', { platformInfo: 0x05n }, { requireAliasCheck: true }, 'alias-check', 'tcb'],
    ['another program', {}, { measurements: ['02'.repeat(48)] }, 'measurement', 'measurement'],
    ['another configuration', {}, { hostData: ['01'.repeat(32)] }, 'host-data', 'measurement'],
    ['another family', {}, { familyIds: ['01'.repeat(16)] }, 'family-id', 'measurement'],
    ['another image', {}, { imageIds: ['01'.repeat(16)] }, 'image-id', 'measurement'],
    ['another ID key', {}, { idKeyDigests: ['01'.repeat(48)] }, 'id-key', 'measurement'],
    [
      'an author key without its flag',
      {},
      { authorKeyDigests: ['00'.repeat(48)] },
      'author-key',
      'measurement',
    ],
    [
      'another author key',
      { keyFlags: 1 },
      { authorKeyDigests: ['01'.repeat(48)] },
      'author-key',
      'measurement',
    ],
    ['an old guest', { guestSvn: 6 }, { minimumGuestSvn: 7 }, 'guest-svn', 'measurement'],
    ['another chip', {}, { chipIds: ['01'.repeat(64)] }, 'chip', 'hardware'],
    ['a product without a floor', {}, { minimumTcb: { genoa: { bl: 0 } } }, 'tcb', 'tcb'],
    ['an old TCB', {}, { minimumTcb: { milan: { snp: 25 } } }, 'tcb', 'tcb'],
    ['a floor of another layout', {}, { minimumTcb: { milan: { fmc: 0 } } }, 'tcb', 'tcb'],
    [
      'an old TCB at launch',
      { launchTcb: tcb(4, 3, 0, 0, 0, 0, 23, 219) },
      { minimumTcb: { milan: { snp: 24 } } },
      'tcb',
      'tcb',
    ],
    ['provisional firmware', { current: [30, 55, 1] }, {}, 'committed', 'tcb'],
    ['a provisional TCB', { currentTcb: tcb(4, 3, 0, 0, 0, 0, 25, 219) }, {}, 'committed', 'tcb'],
  ])('%s', (_what, changes, policy, step, reason) => {
    const verdict = judge(chip, { evidence: chip.report(changes), policy })
    expect(failed(verdict)).toEqual({ [`sev-snp.${step}`]: reason })
    expect(verdict).toMatchObject({ authentic: true, acceptable: false, reason })
  })

  it('a committed TCB below the floor, whatever runs', () => {
    const old = tcb(4, 3, 0, 0, 0, 0, 24, 200)
    const policy = { minimumTcb: { milan: { ucode: 219 } } }
    expect(failed(judge(chip, { evidence: chip.report({ committedTcb: old }), policy }))).toEqual({
      'sev-snp.tcb': 'tcb',
    })
  })

  it('all of it at once, each with its own class', () => {
    const evidence = chip.report({ policy: SOUND | bit(19) | bit(18), vmpl: 2, current: [1, 1, 1] })
    const verdict = judge(chip, {
      evidence,
      policy: { measurements: ['02'.repeat(48)], chipIds: ['01'.repeat(64)], requireRevocation: true },
      expectedReportData: new Uint8Array(64),
    })
    expect(failed(verdict)).toEqual({
      'sev-snp.report-data': 'binding',
      'sev-snp.debug': 'debug',
      'sev-snp.guest-policy': 'guest-policy',
      'sev-snp.vmpl': 'guest-policy',
      'sev-snp.measurement': 'measurement',
      'sev-snp.revocation-known': 'collateral-missing',
      'sev-snp.committed': 'tcb',
      'sev-snp.chip': 'hardware',
    })
    expect(verdict.reason).toBe('binding')
  })
})

describe('a policy can allow what is refused by default, and name what it wants', () => {
  it.each<[string, Partial<FakeReportFields>, SevSnpPolicy]>([
    ['debug', { policy: SOUND | bit(19) }, { allowDebug: true }],
    ['migration', { policy: SOUND | bit(18) }, { allowMigrationAgent: true }],
    ['privilege', { vmpl: 2 }, { vmpls: [0, 1, 2] }],
    [
      'provisional firmware',
      { current: [30, 55, 1], currentTcb: tcb(4, 3, 0, 0, 0, 0, 25, 219) },
      { allowProvisionalFirmware: true },
    ],
    [
      'nothing, for newer microcode that is not committed',
      { currentTcb: tcb(4, 3, 0, 0, 0, 0, 24, 220) },
      {},
    ],
    ['ABI', { policy: SOUND | 0x137n }, { minimumAbi: { major: 1, minor: 55 } }],
    ['a newer major ABI', { policy: SOUND | 0x200n }, { minimumAbi: { major: 1, minor: 55 } }],
    [
      'features',
      { policy: bit(17) | bit(20) | bit(22) | bit(23) | bit(24) | bit(25) },
      {
        requireGuest: [
          'smt-off',
          'single-socket',
          'cxl-off',
          'mem-aes-256-xts',
          'rapl-off',
          'ciphertext-hiding',
          'page-swap-off',
        ],
      },
    ],
    [
      'states',
      { platformInfo: 0b11110n },
      { requirePlatform: ['smt-off', 'tsme', 'ecc', 'rapl-off', 'ciphertext-hiding'] },
    ],
    ['an alias check', {}, { requireAliasCheck: true }],
    [
      'values',
      { guestSvn: 7 },
      {
        measurements: ['02'.repeat(48), measurement],
        hostData: ['02'.repeat(32)],
        familyIds: ['00'.repeat(16)],
        imageIds: ['00'.repeat(16)],
        idKeyDigests: ['00'.repeat(48)],
        minimumGuestSvn: 7,
      },
    ],
    ['an author key', { keyFlags: 1 }, { authorKeyDigests: ['00'.repeat(48)] }],
    ['a TCB', {}, { minimumTcb: { milan: { bl: 4, tee: 3, snp: 24, ucode: 219 } } }],
  ])('%s', (_what, changes, policy) => {
    const verdict = judge(chip, { evidence: chip.report(changes), policy })
    expect(failed(verdict)).toEqual({})
    expect(verdict.acceptable).toBe(true)
  })

  it('a chip, and no chip that a report does not name', () => {
    expect(judge(chip, { policy: { chipIds: [toHex(chip.chipId)] } }).acceptable).toBe(true)
    const vlek = amd.chip({ kind: 'VLEK' })
    expect(failed(judge(vlek, { policy: { chipIds: ['00'.repeat(64)] } }))).toEqual({
      'sev-snp.chip': 'hardware',
    })
  })

  it('a cloud provider', () => {
    const vlek = amd.chip({ kind: 'VLEK' })
    expect(judge(vlek, { policy: { cspIds: ['CN=cc-fake-1.example.com'] } }).acceptable).toBe(true)
    expect(failed(judge(vlek, { policy: { cspIds: ['CN=cc-other.example.com'] } }))).toEqual({
      'sev-snp.provider': 'hardware',
    })
    expect(statusOf(judge(chip, { policy: { cspIds: ['CN=x'] } }), 'sev-snp.provider')).toBe('skipped')
  })

  it('FMC of Turin, which no other product has', () => {
    const turin = amd.chip({ product: 'turin', tcb: tcb(1, 2, 3, 4, 0, 0, 0, 5) })
    expect(judge(turin, { policy: { minimumTcb: { turin: { fmc: 1, bl: 2, snp: 4 } } } }).acceptable).toBe(
      true,
    )
    expect(failed(judge(turin, { policy: { minimumTcb: { turin: { fmc: 2 } } } }))).toEqual({
      'sev-snp.tcb': 'tcb',
    })
  })

  it('nothing about a program where it names none: those steps are skipped, not passed', () => {
    const verdict = judge(chip)
    for (const name of ['measurement', 'host-data', 'id-key', 'chip', 'tcb', 'revocation', 'report-data'])
      expect(statusOf(verdict, `sev-snp.${name}`)).toBe('skipped')
    expect(verdict.acceptable).toBe(true)
  })
})

describe('the policy decoder', () => {
  const decode = (value: unknown): SevSnpPolicy => sevSnpPolicyDecoder(value, 'policy')
  const all: Required<SevSnpPolicy> = {
    allowDebug: false,
    allowMigrationAgent: false,
    vmpls: [0],
    minimumAbi: { major: 1, minor: 55 },
    requireGuest: ['smt-off'],
    requirePlatform: ['ecc'],
    requireAliasCheck: true,
    measurements: [measurement],
    hostData: ['02'.repeat(32)],
    familyIds: ['00'.repeat(16)],
    imageIds: ['00'.repeat(16)],
    idKeyDigests: ['00'.repeat(48)],
    authorKeyDigests: ['00'.repeat(48)],
    minimumGuestSvn: 0,
    uvm: { feed: 'ContainerPlat-AMD-UVM', minimumSvn: 101, eku: '1.2.3' },
    minimumTcb: { milan: { bl: 4 }, turin: { fmc: 1 } },
    allowProvisionalFirmware: false,
    requireRevocation: true,
    chipIds: ['00'.repeat(64)],
    cspIds: ['CN=x'],
  }

  it('reads everything, or nothing', () => {
    expect(decode(all)).toEqual(all)
    expect(decode({})).toEqual({})
    for (const [name, value] of Object.entries(all))
      expect(decode({ [name]: value })).toEqual({ [name]: value })
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a list', []],
    ['text', 'strict'],
    ['an unknown member', { allowAll: true }],
    ['a member of the prototype', JSON.parse('{"__proto__":{}}')],
    ['a member written another way', { measurement: [measurement] }],
    ['no member', { allowDebug: undefined }],
    ['text for a boolean', { allowDebug: 'false' }],
    ['an empty list', { measurements: [] }],
    ['upper case', { measurements: ['AB'.repeat(48)] }],
    ['a short digest', { measurements: ['ab'.repeat(32)] }],
    ['a privilege level that is none', { vmpls: [4] }],
    ['an unknown feature', { requireGuest: ['smt'] }],
    ['an unknown product', { minimumTcb: { rome: {} } }],
    ['an unknown component', { minimumTcb: { milan: { sev: 1 } } }],
    ['a level above 255', { minimumTcb: { milan: { bl: 256 } } }],
    ['half an ABI', { minimumAbi: { major: 1 } }],
    ['an unknown member of uvm', { uvm: { svn: 1 } }],
  ])('refuses %s', (_what, value) => {
    expect(() => decode(value)).toThrow(expect.objectContaining({ code: 'JCS_FIELD', action: 'fix-input' }))
  })
})
