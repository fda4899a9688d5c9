import { equalBytes, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { parseHclReport, parseRuntimeData, userDataBytes } from '@sotto/verifier/azure-cvm'
import { crypto } from '@sotto/protocol/crypto-backend'
import { certificatesOfPem } from '@sotto/protocol/x509'
import { collectError } from './errors.ts'
import type { Machine } from './machine.ts'
import { fetchAmdCertification, fetchTdQuote, type ThimOptions } from './thim.ts'
import {
  openTpm,
  quoteRegisters,
  readNv,
  readNvPublic,
  type Tpm,
  TPM_PATH,
  type TpmOptions,
  writeNv,
} from './tpm/index.ts'
import { inTurn } from './turns.ts'

/** Indices and handle of Azure's virtual TPM (https://learn.microsoft.com/azure/confidential-computing/guest-attestation-confidential-virtual-machines-design). */
const NV_REPORT = 0x01400001
const NV_USER_DATA = 0x01400002
const NV_AK_CERTIFICATE = 0x01c101d0
const ATTESTATION_KEY = 0x81000003

const MAX_REPORT_BYTES = 16_384
const MAX_CERTIFICATE_BYTES = 16_384
const USER_DATA_BYTES = 64
/** The paravisor makes a new report some time after its user data was written. */
const REFRESH_MS = 3_000
const MAX_REFRESHES = 4

/** How evidence is collected inside an Azure confidential virtual machine. */
export interface AzureOptions extends TpmOptions, ThimOptions {
  /**
   * Default true: have the hardware report made anew with the nonce in its user data, which takes some
   * seconds. False takes the one of the last boot; the quote is fresh all the same.
   */
  freshReport?: boolean
}

/** Evidence and what verifying it takes, as far as this machine has it. */
export interface AzureEvidenceParts {
  /** The document that `verifyAzureCvm` reads, version 1 or (with a fresh report) 2. */
  evidence: Uint8Array
  collateral: Record<string, Uint8Array>
}

/**
 * Collects what proves an Azure confidential virtual machine: the paravisor's report, a quote of the
 * virtual TPM over all registers and the nonce, and certificates.
 *
 * @param nonce 1 to 48 bytes; up to 64 where the TPM takes them
 * @throws `COLLECT_*`
 */
export async function collectAzureEvidence(
  machine: Machine,
  nonce: Uint8Array,
  options: AzureOptions = {},
): Promise<AzureEvidenceParts> {
  const { freshReport = true, path = TPM_PATH } = options
  // There is one index for user data: two who wrote to it at once would each wait for a report of the other.
  const { report, quote, akCertificate } = await inTurn(path, async () => {
    const tpm = await openTpm(machine, options)
    try {
      return {
        report: freshReport
          ? await freshlyReported(machine, tpm, nonce)
          : await readNv(tpm, NV_REPORT, MAX_REPORT_BYTES),
        quote: await quoteRegisters(tpm, ATTESTATION_KEY, nonce),
        akCertificate: await readAkCertificate(tpm),
      }
    } finally {
      await tpm.close()
    }
  })
  const hardware = await describeHardware(report, options)
  const document = {
    version: freshReport ? 2 : 1,
    tpm_quote: {
      signature: toHex(quote.signature),
      message: toHex(quote.message),
      pcrs: quote.pcrs.map(toHex),
    },
    hcl_report: toBase64Url(report),
    ...hardware.members,
  }
  return {
    evidence: utf8(JSON.stringify(document)),
    collateral: { ...hardware.collateral, ...(akCertificate !== undefined && { akCertificate }) },
  }
}

/** Writes the user data and waits until a whole report has it. */
async function freshlyReported(machine: Machine, tpm: Tpm, nonce: Uint8Array): Promise<Uint8Array> {
  if (nonce.length > USER_DATA_BYTES)
    throw collectError('COLLECT_INPUT', 'the nonce does not fit the user data', {
      expected: `at most ${USER_DATA_BYTES} bytes`,
    })
  const userData = new Uint8Array(USER_DATA_BYTES)
  userData.set(nonce)
  await writeNv(tpm, NV_USER_DATA, userData)
  for (let refresh = 0; refresh < MAX_REFRESHES; refresh++) {
    await machine.sleep(REFRESH_MS)
    const report = await readNv(tpm, NV_REPORT, MAX_REPORT_BYTES)
    if (withParsing(() => carries(report, userData))) return report
    if (!equalBytes(await readNv(tpm, NV_USER_DATA, USER_DATA_BYTES), userData))
      throw collectError('COLLECT_BUSY', 'another process has reports made with its own user data')
  }
  throw collectError('COLLECT_TIMEOUT', 'the paravisor made no new report', {
    expected: `within ${(MAX_REFRESHES * REFRESH_MS) / 1000} s`,
    hint: 'ask for the report of the last boot (freshReport: false)',
  })
}

/**
 * Whether the paravisor made a report for this user data, and the hardware one for what stands beside it: an index is
 * read in parts, and may be written between two of them.
 */
function carries(report: Uint8Array, userData: Uint8Array): boolean {
  const { hash, reportData, runtimeData } = parseHclReport(report)
  const digest = crypto.hash(hash.name, runtimeData)
  if (!equalBytes(reportData.subarray(0, digest.length), digest)) return false
  const { userData: found = '' } = parseRuntimeData(runtimeData)
  return equalBytes(userDataBytes(found), userData)
}

/** As it stands in the NV index, with whatever follows it there. Not every virtual machine has one. */
async function readAkCertificate(tpm: Tpm): Promise<Uint8Array | undefined> {
  const found = await readNvPublic(tpm, NV_AK_CERTIFICATE)
  return found === undefined ? undefined : readNv(tpm, NV_AK_CERTIFICATE, MAX_CERTIFICATE_BYTES)
}

async function describeHardware(
  report: Uint8Array,
  options: ThimOptions,
): Promise<{ members: Record<string, string>; collateral: Record<string, Uint8Array> }> {
  const { type, hardwareReport } = withParsing(() => parseHclReport(report))
  if (type === 'TDX') {
    const quote = await fetchTdQuote(hardwareReport, options)
    return { members: { td_quote: toBase64Url(quote) }, collateral: {} }
  }
  const { vcek, chain } = await fetchAmdCertification(options)
  const [certificate] = withParsing(() => certificatesOfPem(vcek))
  if (certificate === undefined)
    throw collectError('COLLECT_MALFORMED', 'the certificate of the chip is no PEM')
  return { members: { vcek: toBase64Url(certificate) }, collateral: { chain: utf8(chain) } }
}

function withParsing<Value>(parse: () => Value): Value {
  try {
    return parse()
  } catch (cause) {
    throw collectError('COLLECT_MALFORMED', (cause as Error).message, { cause })
  }
}
