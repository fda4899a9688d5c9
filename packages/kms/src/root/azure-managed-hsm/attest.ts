import { fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type JsonObject, member, parseJsonObject } from '@sotto/protocol/jose'
import type { EvidencePiece } from '@sotto/protocol/keyrelease'
import type { TrustedHardware } from '@sotto/serve/tee'
import { parseMaaToken } from '@sotto/verifier/maa'
import { kmsError } from '../../errors.ts'
import { splitSnpCollateral } from './snp-chain.ts'
import { refusalOf, type Transport } from './transport.ts'

/** Hardware whose reports bind a key of this process's own, and how Azure Attestation is asked about it. */
const OPERATIONS = {
  /** https://learn.microsoft.com/rest/api/attestation/attestation/attest-sev-snp-vm */
  'sev-snp': { path: '/attest/SevSnpVm?api-version=2022-08-01', evidence: snpEvidence },
  /** https://learn.microsoft.com/rest/api/attestation/attestation/attest-tdx-vm */
  tdx: { path: '/attest/TdxVm?api-version=2025-06-01', evidence: tdxEvidence },
} as const

/** What of this machine Azure Attestation is asked about. */
export type AttestedFamily = keyof typeof OPERATIONS

/**
 * The kind of this hardware, where a key can be released to it. In a confidential virtual machine of Azure the
 * paravisor fixes the report data, and a key is released to the virtual TPM, which this process does not drive so far.
 * @throws `KMS_HSM_HARDWARE`
 */
export function requireAttested({ family }: TrustedHardware): AttestedFamily {
  if (Object.hasOwn(OPERATIONS, family)) return family as AttestedFamily
  throw kmsError('KMS_HSM_HARDWARE', 'no key of a managed HSM is released to hardware of this kind', {
    expected: Object.keys(OPERATIONS).join(' or '),
    found: family,
    hint: 'Let custodians keep the root secret: root.source "custodians".',
  })
}

/**
 * Has Azure Attestation vouch for this machine and for the key in `runtimeData`: the report carries its SHA-256,
 * and the token the data. The token is the HSM's to judge; here only its form and its issuer are looked at.
 * @returns a compact JWS
 * @throws `KMS_HSM_*`, those of the hardware
 */
export async function attest(
  maa: string,
  runtimeData: Uint8Array,
  hardware: TrustedHardware,
  { transport, signal }: { transport: Transport; signal: AbortSignal },
): Promise<string> {
  const { path, evidence } = OPERATIONS[requireAttested(hardware)]
  const binding = new Uint8Array(64)
  binding.set(crypto.sha256(runtimeData))
  const [piece, ...more] = await hardware.collectEvidence(binding)
  if (more.length > 0)
    throw kmsError('KMS_HSM_HARDWARE', 'the report commits to GPUs, and then carries no key of ours', {
      found: `${more.length} GPUs`,
      hint: 'Run the KMS on a machine without GPUs.',
    })
  const body = {
    ...evidence(piece!),
    runtimeData: { data: toBase64Url(runtimeData), dataType: 'JSON' },
  }
  const reply = await transport({
    method: 'POST',
    url: new URL(path, maa),
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify(body),
    signal,
  })
  const answer = readAnswer(reply.body)
  if (reply.status !== 200) throw refusalOf('the attestation service', reply.status, codeOf(answer))
  const token = answer && member(answer, 'token')
  try {
    if (typeof token !== 'string') throw new Error('there is no token')
    const { issuer } = parseMaaToken(utf8(token))
    if (issuer !== maa) throw new Error(`the issuer is ${issuer ?? 'nobody'}`)
    return token
  } catch (cause) {
    throw kmsError('KMS_HSM_ANSWER', 'the attestation service sent no token of its own', {
      expected: maa,
      cause,
    })
  }
}

function snpEvidence({ evidence, collateral }: EvidencePiece): object {
  const { chain, endorsements } = splitSnpCollateral(Object.values(collateral).map(fromBase64Url))
  const report = {
    SnpReport: evidence,
    VcekCertChain: toBase64Url(utf8(chain)),
    // Of Azure's utility VM, where its containers run in one.
    ...(endorsements.length > 0 && {
      Endorsements: toBase64Url(utf8(JSON.stringify({ Uvm: endorsements.map(toBase64Url) }))),
    }),
  }
  return { report: toBase64Url(utf8(JSON.stringify(report))) }
}

function tdxEvidence({ evidence }: EvidencePiece): object {
  return { quote: evidence }
}

function readAnswer(body: Uint8Array): JsonObject | undefined {
  try {
    return parseJsonObject(body, 'answer')
  } catch {
    return undefined
  }
}

function codeOf(answer: JsonObject | undefined): unknown {
  const error = answer && member(answer, 'error')
  return typeof error === 'object' && error !== null && !Array.isArray(error)
    ? member(error as JsonObject, 'code')
    : undefined
}
