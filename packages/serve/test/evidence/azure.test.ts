import { createPublicKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { concat, toBase64Url } from '@sotto/protocol/bytes'
import { crypto, type RsaPublicKey } from '@sotto/protocol/crypto-backend'
import {
  type AzureOptions,
  collectAzureEvidence,
  type Machine,
  openTpm,
  readNv,
  readPublicKey,
  type Tpm,
} from '@sotto/serve/evidence'
import { fakeAmd } from '@sotto/testkit/snp'
import {
  fakeBoundData,
  fakeHclReport,
  type FakeRsaKey,
  fakeRsaKey,
  fakeRuntimeData,
  fakeVtpmAuthority,
} from '@sotto/testkit/tpm'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { parseAzureEvidence, verifyAzureCvm } from '@sotto/verifier/azure-cvm'
import type { EvidenceVerdict } from '@sotto/verifier/family'
import { NO_SWTPM, type SoftwareTpm, startSwtpm } from './swtpm.ts'

const KEY = 0x81000003
const [NV_REPORT, NV_USER_DATA, NV_CERTIFICATE] = [0x01400001, 0x01400002, 0x01c101d0]
const nonce = crypto.sha384(Uint8Array.of(7))
const title = `an Azure confidential VM with a TPM in software${NO_SWTPM === undefined ? '' : ` (skipped: ${NO_SWTPM})`}`

describe.skipIf(NO_SWTPM !== undefined)(title, () => {
  const amd = fakeAmd()
  const chip = amd.chip()
  const microsoft = fakeVtpmAuthority()
  const roots = { snp: amd.roots, vtpm: microsoft.root }
  let software: SoftwareTpm
  let tpm: Tpm
  let key: RsaPublicKey

  beforeAll(async () => {
    software = await startSwtpm()
    await software.provisionKey(KEY)
    tpm = await openTpm(software.machine)
    key = (await readPublicKey(tpm, KEY)).key
    await software.store(NV_REPORT, report(new Uint8Array(64)))
  })
  afterAll(() => software?.stop())

  /** What the paravisor writes for some user data. */
  const report = (userData: Uint8Array): Uint8Array => {
    const runtimeData = fakeRuntimeData(key as FakeRsaKey, { userData })
    const hardware = chip.report({
      reportData: fakeBoundData(runtimeData),
      measurement: new Uint8Array(48).fill(4),
    })
    return fakeHclReport(hardware, runtimeData, { trailing: new Uint8Array(0) })
  }
  const metadata: typeof fetch = async () =>
    Response.json({
      vcekCert: chip.leaf.pem,
      certificateChain: amd.issuer('milan', 'VCEK').pem + amd.ark('milan').pem,
    })
  const collect = (options: AzureOptions = {}, machine: Machine = software.machine, value = nonce) =>
    collectAzureEvidence(machine, value, { fetch: metadata, ...options })
  const verify = async (
    parts: ReturnType<typeof collect>,
    policy = {},
    expectedReportData = nonce,
  ): Promise<EvidenceVerdict> =>
    verifyAzureCvm({ ...(await parts), at: FAKE_NOW, expectedReportData, policy }, roots)
  /** What the paravisor does from time to time: it looks at the user data. */
  const makeReport = async (): Promise<void> =>
    software.store(NV_REPORT, report(await readNv(tpm, NV_USER_DATA, 64)))

  /** The machine, on which this happens instead of the seconds that a new report takes. */
  const whileWaiting = (happens: () => Promise<void>): Machine => ({
    ...software.machine,
    sleep: (ms, signal) => (ms === 3000 ? happens() : software.machine.sleep(ms, signal)),
  })

  it('collects evidence that is accepted, with the report of the last boot', async () => {
    const parts = collect({ freshReport: false })
    expect(parseAzureEvidence((await parts).evidence).version).toBe(1)
    await expect(verify(parts)).resolves.toMatchObject({ authentic: true, acceptable: true, reason: null })
    await expect(verify(parts, { requireFreshReport: true })).resolves.toMatchObject({ reason: 'binding' })
  })

  it('collects evidence with a report made for this nonce', async () => {
    const parts = collect({}, whileWaiting(makeReport))
    const verdict = await verify(parts, { requireFreshReport: true })
    expect(verdict).toMatchObject({ authentic: true, acceptable: true })
    expect(parseAzureEvidence((await parts).evidence).version).toBe(2)
  })

  it('collects for several at once, for each with its own nonce', async () => {
    const nonces = [1, 2, 3].map((byte) => crypto.sha384(Uint8Array.of(byte)))
    const machine = whileWaiting(makeReport)
    const verdicts = await Promise.all(
      nonces.map((value) => verify(collect({}, machine, value), { requireFreshReport: true }, value)),
    )
    expect(verdicts.map(({ reason }) => reason)).toEqual([null, null, null])
  })

  it('holds nobody up after it failed', async () => {
    const refused = collect(
      { path: '/dev/tpmrm0' },
      whileWaiting(() => Promise.reject(new Error('power off'))),
    )
    const next = collect({}, whileWaiting(makeReport))
    await expect(refused).rejects.toThrow('power off')
    await expect(verify(next, { requireFreshReport: true })).resolves.toMatchObject({ acceptable: true })
  })

  it('says so when another process wrote its user data meanwhile', async () => {
    const machine = whileWaiting(async () => {
      await software.store(NV_USER_DATA, new Uint8Array(64).fill(9))
      await makeReport()
    })
    await expect(collect({}, machine)).rejects.toMatchObject({ code: 'COLLECT_BUSY', action: 'retry' })
  })

  it('takes no report that was read while it was written', async () => {
    let looks = 0
    const machine = whileWaiting(async () => {
      const whole = report(await readNv(tpm, NV_USER_DATA, 64))
      const older = report(new Uint8Array(64))
      // The hardware report is of the time before, the runtime data is new.
      const torn = concat(older.subarray(0, 1216), whole.subarray(1216))
      await software.store(NV_REPORT, ++looks === 1 ? torn : whole)
    })
    await expect(verify(collect({}, machine), { requireFreshReport: true })).resolves.toMatchObject({
      acceptable: true,
    })
    expect(looks).toBe(2)
  })

  it('gives up when the paravisor makes no new report', async () => {
    await software.store(NV_REPORT, report(new Uint8Array(64)))
    const machine = whileWaiting(async () => undefined)
    await expect(collect({}, machine)).rejects.toMatchObject({ code: 'COLLECT_TIMEOUT' })
  })

  it('brings the certificate of the attestation key, with whatever follows it', async () => {
    const certificate = microsoft.certify({ ...fakeRsaKey(), ...key, spki: spkiOf(key) })
    await software.store(NV_CERTIFICATE, concat(certificate, new Uint8Array(50).fill(0xff)))
    const parts = await collect({ freshReport: false })
    const collateral = { ...parts.collateral, intermediate: microsoft.intermediate }
    const verdict = await verify(Promise.resolve({ ...parts, collateral }), { requireAkCertificate: true })
    expect(verdict).toMatchObject({ acceptable: true, fields: { ak_certificate: true } })
    expect(verdict.validUntil).toBeLessThanOrEqual(FAKE_NOW + 31_536_000)
  })

  it.each<[string, Uint8Array]>([
    ['no HCL report', new Uint8Array(1300).fill(1)],
    ['a report without runtime data', fakeHclReport(new Uint8Array(1184), new Uint8Array(0))],
  ])('refuses an index with %s', async (_what, bytes) => {
    await software.store(NV_REPORT, bytes.subarray(0, 2000))
    await expect(collect({ freshReport: false })).rejects.toMatchObject({ code: 'COLLECT_MALFORMED' })
  })
})

/** SubjectPublicKeyInfo of an RSA key. */
function spkiOf({ modulus, exponent }: RsaPublicKey): Uint8Array {
  const jwk = { kty: 'RSA', n: toBase64Url(modulus), e: toBase64Url(exponent) }
  return new Uint8Array(createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' }))
}
