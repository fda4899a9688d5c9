import { concat, fromHex, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { parseStrictJson } from '@sotto/protocol/jcs'
import { certificatesOfPem, parseCertificate } from '@sotto/protocol/x509'
import { describePiece } from '@sotto/client/collateral'
import { parseAzureEvidence, parseHclReport, parseRuntimeData } from '@sotto/verifier/azure-cvm'
import {
  collectPieces,
  intelSgxRootCa,
  parsePckExtension,
  parseQuote as parseDcapQuote,
  readQeIdentity,
  readTcbInfo,
} from '@sotto/verifier/dcap'
import { parseEventLog, replayEventLog } from '@sotto/verifier/event-log'
import { choosePieces, recogniseEvidence } from '@sotto/verifier/family'
import { parseConfidentialSpaceToken } from '@sotto/verifier/gcp'
import { parseMaaToken } from '@sotto/verifier/maa'
import { parseNitroDocument } from '@sotto/verifier/nitro'
import {
  parseDevice,
  parseDeviceEvidence,
  parseNrasBundle,
  parseNvidiaReport,
  parseRim,
} from '@sotto/verifier/nvidia'
import { parseEndorsementKey, parseSnpReport } from '@sotto/verifier/snp'
import { parseTdQuote } from '@sotto/verifier/tdx'
import { parseQuote as parseTpmQuote, parseRsaPublic, parseSignature } from '@sotto/verifier/tpm'
import { parseDidX509 } from '../../packages/verifier/src/snp/did-x509.ts'
import { crashInWords } from './oracle.ts'
import { manifests, seedsLike, smallest } from './seeds.ts'
import { parser, type Target } from './target.ts'

const like = (pattern: RegExp) => (): Uint8Array[] => smallest(seedsLike(pattern))

/** Parsers of what hardware, clouds and vendors write, so that mutations reach behind the first check of a verifier. */
export const evidenceTargets: readonly Target[] = [
  parser('snp report', like(/sev-snp.*report\.bin$/), parseSnpReport),
  parser('snp endorsement key', like(/v[cl]ek.*\.(der|pem)$/), (bytes) =>
    parseEndorsementKey(parseCertificate(bytes)),
  ),
  parser(
    'did:x509',
    () => [utf8(DID), utf8(DID.replace('::eku:1.3.6.1', ''))],
    (bytes) => parseDidX509(fromUtf8(bytes)),
  ),
  parser('dcap quote', like(/quote\.bin$/), parseDcapQuote),
  parser('td quote', like(/tdx.*quote\.bin$/), parseTdQuote),
  parser('pck certificate', pckCertificates, (bytes) => parsePckExtension(parseCertificate(bytes))),
  parser(
    'tcb info',
    () => intelDocuments('tcb_info'),
    (bytes) => readTcbInfo(parseStrictJson(fromUtf8(bytes))),
  ),
  parser(
    'qe identity',
    () => intelDocuments('qe_identity'),
    (bytes) => readQeIdentity(parseStrictJson(fromUtf8(bytes))),
  ),
  parser('dcap collateral', like(/collateral\.json$|tcbinfo_response\.json$/), (bytes) => {
    const { defects } = collectPieces({ piece: bytes }, [intelSgxRootCa()])
    for (const defect of defects) requireOwnWords(defect)
  }),
  parser('event log', eventLogs, (bytes) => replayEventLog(parseEventLog(bytes))),
  parser('nitro document', like(/nitro.*\.cbor$/), parseNitroDocument),
  parser('nvidia evidence', like(/nvidia.*evidence\.json$/), readDevices),
  parser('nvidia report', like(/nvidia.*report\.bin$/), parseNvidiaReport),
  parser('nvidia rim', manifests, parseRim),
  parser('nras bundle', like(/eat\.json$/), parseNrasBundle),
  parser('azure evidence', like(/azure-cvm.*evidence\.json$/), parseAzureEvidence),
  parser('hcl report', like(/hcl_report\.bin$/), parseHclReport),
  parser('runtime data', like(/var_data\.json$/), parseRuntimeData),
  parser('tpm quote', () => tpmParts().quotes, parseTpmQuote),
  parser('tpm public', () => [RSA_PUBLIC], parseRsaPublic),
  parser('tpm signature', () => tpmParts().signatures, parseSignature),
  parser('maa token', like(/azure-maa.*\.jwt$/), parseMaaToken),
  parser('confidential space token', like(/gcp.*\.jwt$/), parseConfidentialSpaceToken),
  parser('recognition', like(/\.(jwt|bin|cbor|xml|json|der|pem)$/), (bytes) => [
    recogniseEvidence(bytes),
    choosePieces({ bytes }),
  ]),
  parser('collateral description', like(/\.(xml|json|der|pem)$/), (bytes) => describePiece(bytes)),
]

const DID = `did:x509:0:sha256:${'A'.repeat(43)}::eku:1.3.6.1.4.1.311.76.59.1.2::eku:1.3.6.1`

/** TPM2B-less TPMT_PUBLIC of an RSA 2048 attestation key (Part 2, Section 12.2.4). */
const RSA_PUBLIC = concat(
  fromHex('0001000b00050072000000100014000b0800000000000100'),
  new Uint8Array(256).fill(0xc5),
)

function requireOwnWords(message: string): void {
  const crash = crashInWords(message.replace(/^a CRL: /, ''))
  if (crash !== undefined) throw new Error(crash)
}

/** Event logs with little of the filling that their area has behind them. */
function eventLogs(): Uint8Array[] {
  const logs = seedsLike(/ccel\.bin$|event_log\.json$/).map((bytes) => {
    const end = bytes.findLastIndex((byte) => byte !== 0xff && byte !== 0x00) + 16
    return bytes.subarray(0, end)
  })
  return smallest(logs)
}

/** Certificates of processors out of collateral. */
function pckCertificates(): Uint8Array[] {
  const found = seedsLike(/collateral\.json$/).flatMap((bytes) => {
    const { pck_certificate_chain: chain } = JSON.parse(fromUtf8(bytes)) as Record<string, string>
    return chain === undefined ? [] : certificatesOfPem(chain).slice(0, 1)
  })
  const fromQuotes = seedsLike(/quote\.bin$/).flatMap((quote) => {
    const text = Buffer.from(quote).toString('latin1')
    const [pem] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text) ?? []
    return pem === undefined ? [] : certificatesOfPem(pem)
  })
  return smallest([...found, ...fromQuotes])
}

/** Documents of Intel out of collateral, where they stand as texts. */
function intelDocuments(name: 'tcb_info' | 'qe_identity'): Uint8Array[] {
  const found = seedsLike(/collateral\.json$/).flatMap((bytes) => {
    const { [name]: text } = JSON.parse(fromUtf8(bytes)) as Record<string, string>
    return text === undefined ? [] : [utf8(text)]
  })
  return smallest(found)
}

/** Quotes of virtual TPMs out of evidence, and their signatures with TPMT_SIGNATURE around them. */
function tpmParts(): { quotes: Uint8Array[]; signatures: Uint8Array[] } {
  const parts = seedsLike(/azure-cvm.*evidence\.json$/).flatMap((bytes) => {
    const { tpm_quote: quote } = JSON.parse(fromUtf8(bytes)) as {
      tpm_quote?: { message: unknown; signature: unknown }
    }
    return typeof quote?.message === 'string' && typeof quote.signature === 'string'
      ? [{ message: fromHex(quote.message), signature: fromHex(quote.signature) }]
      : []
  })
  return {
    quotes: smallest(parts.map(({ message }) => message)),
    signatures: smallest(
      parts.map(({ signature }) =>
        Uint8Array.of(0x00, 0x14, 0x00, 0x0b, signature.length >> 8, signature.length & 0xff, ...signature),
      ),
    ),
  }
}

function readDevices(bytes: Uint8Array): unknown {
  return parseDeviceEvidence(bytes).map((device) => parseDevice(device, device.chain ?? new Uint8Array(0)))
}
