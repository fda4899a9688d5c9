import { fromBase64Url, fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Evidence, EvidenceFamily } from '@sotto/protocol/keyrelease'
import { certificatesOfPem, parseCertificate } from '@sotto/protocol/x509'
import type { TrustedHardware } from '@sotto/serve/tee'
import { fakeAmd } from '@sotto/testkit/snp'
import { fakeMaa } from '@sotto/testkit/tokens'
import { expect, test } from 'vitest'
import { attest } from '../../../src/root/azure-managed-hsm/attest.ts'
import { splitSnpCollateral } from '../../../src/root/azure-managed-hsm/snp-chain.ts'
import type { Question } from '../../../src/root/azure-managed-hsm/transport.ts'

const maa = fakeMaa('https://sotto.weu.attest.azure.net')
const RUNTIME_DATA = utf8('{"keys":[]}')
const { signal } = new AbortController()

/** What is asked of the service for this evidence, and what the hardware was asked to bind. */
async function ask(
  family: EvidenceFamily,
  evidence: Evidence,
): Promise<{ url: string; body: unknown; bound: string }> {
  const questions: Question[] = []
  let bound = ''
  const hardware: TrustedHardware = {
    family,
    async collectEvidence(binding) {
      bound = toHex(binding)
      return evidence
    },
    deriveSealingKey: () => Promise.reject(new Error('nobody may ask for it')),
  }
  const token = fromUtf8(maa.token())
  const answered = await attest(maa.issuer, RUNTIME_DATA, hardware, {
    signal,
    async transport(question) {
      questions.push(question)
      return { status: 200, headers: {}, body: utf8(JSON.stringify({ token })) }
    },
  })
  expect(answered).toBe(token)
  const [{ url, body }] = questions as [Question]
  return { url: url.href, body: JSON.parse(body as string), bound }
}

const runtimeData = { data: toBase64Url(RUNTIME_DATA), dataType: 'JSON' }
const BOUND = toHex(crypto.sha256(RUNTIME_DATA)) + '00'.repeat(32)

test('a TD is attested by its quote, which carries the hash of the runtime data', async () => {
  const piece = { family: 'tdx', evidence: toBase64Url(utf8('quote')), collateral: {} } as const
  expect(await ask('tdx', [piece])).toEqual({
    url: `${maa.issuer}/attest/TdxVm?api-version=2025-06-01`,
    body: { quote: piece.evidence, runtimeData },
    bound: BOUND,
  })
})

test('an SNP guest is attested by its report with the chain of its chip, and Azure’s endorsement where there is one', async () => {
  const { collateral } = fakeAmd().chip()
  const endorsement = Uint8Array.of(0xd2, 0x84, 1, 2)
  const pieces = Object.fromEntries(
    Object.entries({ ...collateral, endorsement }).map(([name, bytes]) => [name, toBase64Url(bytes)]),
  )
  const evidence = toBase64Url(utf8('report'))
  const { url, body, bound } = await ask('sev-snp', [{ family: 'sev-snp', evidence, collateral: pieces }])
  expect([url, bound]).toEqual([`${maa.issuer}/attest/SevSnpVm?api-version=2022-08-01`, BOUND])
  const sent = body as { report: string; runtimeData: object }
  expect(sent.runtimeData).toEqual(runtimeData)
  const report = JSON.parse(fromUtf8(fromBase64Url(sent.report))) as Record<string, string>
  expect(report['SnpReport']).toBe(evidence)
  const uvm = JSON.parse(fromUtf8(fromBase64Url(report['Endorsements']!))) as { Uvm: string[] }
  expect(uvm).toEqual({ Uvm: [toBase64Url(endorsement)] })
  const chain = certificatesOfPem(fromUtf8(fromBase64Url(report['VcekCertChain']!)))
  expect(chain.map((der) => parseCertificate(der).commonName)).toEqual(['SEV-VCEK', 'SEV-Milan', 'ARK-Milan'])
})

test('the chain is in order whatever order it came in, and nothing else gets into it', () => {
  const amd = fakeAmd()
  const pieces = Object.values(amd.chip().collateral)
  const other = Object.values(fakeAmd().chip({ product: 'genoa' }).collateral)[1]!
  const { chain } = splitSnpCollateral(pieces)
  expect(splitSnpCollateral([other, ...pieces.toReversed(), utf8('noise'), new Uint8Array()]).chain).toBe(
    chain,
  )
})

test('a machine without the certificate of its chip, or with GPUs, has to say so', async () => {
  const evidence = toBase64Url(utf8('report'))
  await expect(ask('sev-snp', [{ family: 'sev-snp', evidence, collateral: {} }])).rejects.toMatchObject({
    code: 'KMS_HSM_HARDWARE',
    action: 'fix-input',
  })
  const processor = { family: 'tdx', evidence, collateral: {} } as const
  await expect(ask('tdx', [processor, { ...processor, family: 'nvidia' }])).rejects.toMatchObject({
    code: 'KMS_HSM_HARDWARE',
    found: '1 GPUs',
  })
})
