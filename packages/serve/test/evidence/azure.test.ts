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
  const collect = (options: AzureOptions = {}, machine: Machine = software.machine) =>
    collectAzureEvidence(machine, nonce, { fetch: metadata, ...options })
  const verify = async (parts: ReturnType<typeof collect>, policy = {}): Promise<EvidenceVerdict> =>
    verifyAzureCvm({ ...(await parts), at: FAKE_NOW, expectedReportData: nonce, policy }, roots)

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
    // The paravisor looks at the user data from time to time.
    const machine = whileWaiting(async () =>
      software.store(NV_REPORT, report(await readNv(tpm, NV_USER_DATA, 64))),
    )
    const parts = collect({}, machine)
    const verdict = await verify(parts, { requireFreshReport: true })
    expect(verdict).toMatchObject({ authentic: true, acceptable: true })
    expect(parseAzureEvidence((await parts).evidence).version).toBe(2)
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
