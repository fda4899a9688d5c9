import { describe, expect, it } from 'vitest'
import { FAKE_PLATFORM, tcbInfoText, type FakeTcbInfoOptions } from '@sotto/testkit/dcap'
import { converge, evaluateTcb, readTcbInfo, TCB_STATUSES, type TcbStatus } from '@sotto/verifier/dcap'

const all = (svn: number): number[] => Array.from({ length: 16 }, () => svn)
const svns = (...first: number[]): Uint8Array => Uint8Array.from([...first, ...all(3)].slice(0, 16))
const upToDate = { status: 'UpToDate', advisoryIds: [] } as const
const module1 = { mrsignerseam: new Uint8Array(48), seamattributes: new Uint8Array(8) }
const ask = (
  options: FakeTcbInfoOptions,
  {
    svn = svns(6, 1),
    svn2 = undefined as Uint8Array | undefined,
    qe = upToDate as { status: TcbStatus; advisoryIds: string[] | readonly [] },
    module = module1,
  } = {},
) =>
  evaluateTcb(readTcbInfo(JSON.parse(tcbInfoText('tdx', options))), FAKE_PLATFORM, qe, {
    ...module,
    teeTcbSvn: svn,
    ...(svn2 && { teeTcbSvn2: svn2 }),
  })
const askSgx = (options: FakeTcbInfoOptions) =>
  evaluateTcb(readTcbInfo(JSON.parse(tcbInfoText('sgx', options))), FAKE_PLATFORM, upToDate)

describe('the level of a platform', () => {
  it.each(TCB_STATUSES)('is the first that it reaches: %s', (status) => {
    const levels = [
      { sgx: all(6), status: 'UpToDate' },
      { status, date: '2024-01-01T00:00:00Z', advisoryIDs: ['INTEL-SA-00001'] },
      { sgx: all(1), status: 'Revoked' },
    ]
    const expected = {
      status,
      platform: { status, date: '2024-01-01T00:00:00Z' },
      advisoryIds: ['INTEL-SA-00001'],
    }
    expect(askSgx({ levels })).toMatchObject(expected)
    expect(ask({ levels })).toMatchObject(expected)
  })

  it.each(all(0).map((_, i) => i))('needs component %i of SGX', (i) => {
    const sgx = all(5).with(i, 6)
    expect(askSgx({ levels: [{ sgx, status: 'UpToDate' }] }).status).toBe('NoMatch')
    expect(ask({ levels: [{ sgx, status: 'UpToDate' }] }).status).toBe('NoMatch')
  })

  it('needs PCESVN', () => {
    expect(askSgx({ levels: [{ pcesvn: 14, status: 'UpToDate' }] }).status).toBe('NoMatch')
    expect(askSgx({ levels: [{ pcesvn: 12, status: 'UpToDate' }] }).status).toBe('UpToDate')
  })

  it.each(all(0).map((_, i) => i))(
    'needs component %i of TDX, from 2 on for a module with a version',
    (i) => {
      const levels = [{ tdx: all(3).with(i, 200), status: 'UpToDate' }]
      expect(ask({ levels }).status).toBe(i < 2 ? 'UpToDate' : 'NoMatch')
      // Version 0: nothing else judges the first two.
      expect(
        ask({ levels: [{ tdx: all(0).with(i, 200), status: 'UpToDate' }] }, { svn: svns(6, 0) }).status,
      ).toBe('NoMatch')
    },
  )

  it('is none without levels', () => {
    expect(ask({ levels: [] })).toMatchObject({
      status: 'NoMatch',
      platform: { date: null },
      advisoryIds: [],
    })
  })
})

describe('the TDX module', () => {
  const modules = {
    TDX_01: [
      { isvsvn: 6, status: 'UpToDate' },
      { isvsvn: 4, status: 'OutOfDate', advisoryIDs: ['INTEL-SA-00002'] },
      { isvsvn: 2, status: 'Revoked' },
    ],
    TDX_0A: [{ isvsvn: 0, status: 'UpToDate' }],
  }
  it('is judged by the levels of its version', () => {
    expect(ask({ modules }).module).toMatchObject({ id: 'TDX_01', isvsvn: 6, status: 'UpToDate' })
    expect(ask({ modules }, { svn: svns(5, 1) })).toMatchObject({
      status: 'OutOfDate',
      advisoryIds: ['INTEL-SA-00002'],
    })
    expect(ask({ modules }, { svn: svns(2, 1) }).status).toBe('Revoked')
    expect(ask({ modules }, { svn: svns(1, 1) })).toMatchObject({
      status: 'NoMatch',
      module: { isIdentified: true },
    })
    expect(ask({ modules }, { svn: svns(0, 10) }).module).toMatchObject({ id: 'TDX_0A', status: 'UpToDate' })
  })

  it('is unknown with another version, signer or attributes', () => {
    const strange = { status: 'NoMatch', module: { isIdentified: false } }
    expect(ask({ modules }, { svn: svns(6, 2) })).toMatchObject(strange)
    for (const svn of [svns(6, 1), svns(6, 0)]) {
      const [mrsignerseam, seamattributes] = [new Uint8Array(48).fill(1, 47), new Uint8Array(8).fill(1, 7)]
      expect(ask({ modules }, { svn, module: { ...module1, mrsignerseam } })).toMatchObject(strange)
      expect(ask({ modules }, { svn, module: { ...module1, seamattributes } })).toMatchObject(strange)
    }
  })
})

describe('an old TD on an updated platform (TDX 1.5)', () => {
  const modules = {
    TDX_01: [
      { isvsvn: 6, status: 'UpToDate' },
      { isvsvn: 4, status: 'OutOfDate' },
    ],
  }
  const levels = [{ status: 'UpToDate' }]
  const old = svns(4, 1)
  it('only needs a new launch', () => {
    expect(ask({ modules, levels }, { svn: old }).status).toBe('OutOfDate')
    expect(ask({ modules, levels }, { svn: old, svn2: svns(6, 1) }).status).toBe('TDRelaunchAdvised')
  })

  it.each<[string, FakeTcbInfoOptions, Parameters<typeof ask>[1]]>([
    ['the module that runs is old as well', { modules, levels }, { svn2: svns(5, 1) }],
    ['the module that runs has an unknown version', { modules, levels }, { svn2: svns(6, 2) }],
    [
      'the microcode of TDX is old',
      { modules, levels: [{ tdx: all(3).with(2, 4), status: 'UpToDate' }, { status: 'OutOfDate' }] },
      { svn2: svns(6, 1) },
    ],
    [
      'SGX is out of date',
      { modules, levels: [{ sgx: all(6), status: 'UpToDate' }, { status: 'OutOfDate' }] },
      { svn2: svns(6, 1) },
    ],
    [
      'the quoting enclave is old',
      { modules, levels },
      { svn2: svns(6, 1), qe: { status: 'OutOfDate', advisoryIds: [] } },
    ],
  ])('is out of date when %s', (_what, options, more) => {
    expect(ask(options, { ...more, svn: old }).status).toBe('OutOfDate')
  })

  it('needs settings, too, where its platform does', () => {
    const needy = [{ status: 'ConfigurationNeeded' }]
    expect(ask({ modules, levels: needy }, { svn: old, svn2: svns(6, 1) }).status).toBe(
      'TDRelaunchAdvisedConfigurationNeeded',
    )
  })

  it('is revoked or unknown as before', () => {
    const revoked = [{ status: 'Revoked' }]
    expect(ask({ modules, levels: revoked }, { svn: old, svn2: svns(6, 1) }).status).toBe('Revoked')
    expect(ask({ modules, levels: [] }, { svn: old, svn2: svns(6, 1) }).status).toBe('NoMatch')
  })
})

describe('statuses together', () => {
  it.each<[TcbStatus, TcbStatus, TcbStatus]>([
    ['UpToDate', 'UpToDate', 'UpToDate'],
    ['SWHardeningNeeded', 'UpToDate', 'SWHardeningNeeded'],
    ['UpToDate', 'OutOfDate', 'OutOfDate'],
    ['SWHardeningNeeded', 'OutOfDate', 'OutOfDate'],
    ['ConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
    ['ConfigurationAndSWHardeningNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
    ['OutOfDate', 'OutOfDate', 'OutOfDate'],
    ['OutOfDateConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
    ['Revoked', 'OutOfDate', 'Revoked'],
    ['UpToDate', 'Revoked', 'Revoked'],
    ['UpToDate', 'NoMatch', 'NoMatch'],
    ['NoMatch', 'Revoked', 'NoMatch'],
  ])('%s with a part that is %s: %s', (platform, part, expected) => {
    expect(converge(platform, part)).toBe(expected)
  })

  it('never get better', () => {
    const parts = ['UpToDate', 'OutOfDate', 'Revoked', 'NoMatch'] as const
    for (const platform of TCB_STATUSES)
      for (const part of parts)
        if (part !== 'UpToDate' || platform !== 'UpToDate')
          expect(converge(platform, part)).not.toBe('UpToDate')
  })
})
