import { toHex } from '@sotto/protocol/bytes'
import { FAKE_NOW } from '../x509/index.ts'
import { FAKE_PLATFORM } from './pck-extension.ts'
import { FAKE_QE } from './quote.ts'

/** A TCB level of TCB information; components that are left out are all 5, and 3 for TDX. */
export interface FakeLevel {
  sgx?: readonly number[]
  tdx?: readonly number[]
  pcesvn?: number
  status: string
  date?: string
  advisoryIDs?: readonly string[]
}

/** A level of a TDX module or a quoting enclave. */
export interface FakeEnclaveLevel {
  isvsvn: number
  status: string
  advisoryIDs?: readonly string[]
}

/** What TCB information says. */
export interface FakeTcbInfoOptions {
  levels?: readonly FakeLevel[]
  /** Levels of the modules by id. Default `TDX_01` from SVN 4 on. */
  modules?: Readonly<Record<string, readonly FakeEnclaveLevel[]>>
  /** Members that replace those of the document. */
  changes?: Readonly<Record<string, unknown>>
}

/** What the identity of a quoting enclave says. */
export interface FakeQeIdentityOptions {
  levels?: readonly FakeEnclaveLevel[]
  changes?: Readonly<Record<string, unknown>>
}

const MODULE = { mrsigner: '00'.repeat(48), attributes: '00'.repeat(8), attributesMask: 'FF'.repeat(8) }
const EVALUATION = { tcbEvaluationDataNumber: 17 }
const DATES = { issueDate: instant(FAKE_NOW - 3600), nextUpdate: instant(FAKE_NOW + 30 * 86_400) }

/** TCB information for the fake platform, as text: what is signed. */
export function tcbInfoText(tee: 'sgx' | 'tdx', options: FakeTcbInfoOptions = {}): string {
  const { levels = [{ status: 'UpToDate' }], modules = { TDX_01: [{ isvsvn: 4, status: 'UpToDate' }] } } =
    options
  const identities = Object.entries(modules).map(([id, own]) => ({
    id,
    ...MODULE,
    tcbLevels: own.map(enclaveLevel),
  }))
  return JSON.stringify({
    id: tee.toUpperCase(),
    version: 3,
    ...DATES,
    fmspc: toHex(FAKE_PLATFORM.fmspc).toUpperCase(),
    pceId: toHex(FAKE_PLATFORM.pceid),
    tcbType: 0,
    ...EVALUATION,
    ...(tee === 'tdx' && { tdxModule: MODULE, tdxModuleIdentities: identities }),
    tcbLevels: levels.map(({ sgx, tdx, pcesvn = 13, status, date, advisoryIDs }) => ({
      tcb: {
        sgxtcbcomponents: components(sgx ?? all(5)),
        pcesvn,
        ...(tee === 'tdx' && { tdxtcbcomponents: components(tdx ?? all(3)) }),
      },
      tcbDate: date ?? '2025-11-12T00:00:00Z',
      tcbStatus: status,
      ...(advisoryIDs && { advisoryIDs }),
    })),
    ...options.changes,
  })
}

/** Identity of the fake quoting enclave, as text. */
export function qeIdentityText(tee: 'sgx' | 'tdx', options: FakeQeIdentityOptions = {}): string {
  const { MRSIGNER, ISVPRODID } = FAKE_QE[tee]
  return JSON.stringify({
    id: tee === 'tdx' ? 'TD_QE' : 'QE',
    version: 2,
    ...DATES,
    ...EVALUATION,
    miscselect: '00000000',
    miscselectMask: 'FFFFFFFF',
    attributes: '11000000000000000000000000000000',
    attributesMask: 'FBFFFFFFFFFFFFFF0000000000000000',
    mrsigner: toHex(MRSIGNER).toUpperCase(),
    isvprodid: ISVPRODID,
    tcbLevels: (options.levels ?? [{ isvsvn: 8, status: 'UpToDate' }]).map(enclaveLevel),
    ...options.changes,
  })
}

function enclaveLevel({ isvsvn, status, advisoryIDs }: FakeEnclaveLevel): object {
  const tcbDate = '2025-11-12T00:00:00Z'
  return { tcb: { isvsvn }, tcbDate, tcbStatus: status, ...(advisoryIDs && { advisoryIDs }) }
}

function components(svns: readonly number[]): object[] {
  return svns.map((svn) => ({ svn }))
}

const all = (svn: number): number[] => Array.from({ length: 16 }, () => svn)

/** `2026-01-01T12:00:00Z` of Unix seconds. */
export function instant(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
