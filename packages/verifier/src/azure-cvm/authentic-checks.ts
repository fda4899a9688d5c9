import { equalBytes, toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import { earlier } from '../family/index.ts'
import { parseAzureEvidence } from './envelope.ts'
import type { AzureFacts } from './facts.ts'
import { parseHclReport } from './hcl.ts'
import { selectAkCertificate, verifyAkCertificate } from './ak-certificate.ts'
import { NO_CERTIFICATE } from './paravisor.ts'
import { parseRuntimeData } from './runtime-data.ts'

/** Of the document, and of what it says about the key that signs quotes. */
export const REPORT_CHECKS: readonly Check<AzureFacts>[] = [
  {
    name: 'azure-cvm.evidence',
    title: 'The evidence is an HCL report, alone or in a known document',
    needs: [],
    class: 'malformed',
    run({ input }) {
      const evidence = parseAzureEvidence(input.evidence)
      const { version } = evidence
      return { adds: { evidence }, found: version === 'report' ? 'an HCL report' : `version ${version}` }
    },
  },
  {
    name: 'azure-cvm.hcl-report',
    title: 'The HCL report has the layout of the paravisor, and nothing else in it',
    needs: ['evidence'],
    class: 'malformed',
    run({ evidence, fields }) {
      const hcl = parseHclReport(evidence.hclReport)
      fields['report_type'] = hcl.type
      fields['runtime_data_hash'] = hcl.hash.title
      fields['report_data'] = toHex(hcl.reportData)
      fields['var_data_size'] = hcl.runtimeData.length
      const { vcek, tdQuote } = evidence
      if (hcl.type === 'SNP' ? tdQuote !== undefined : vcek !== undefined)
        throw new Refusal('the document is about other hardware', hcl.type)
      return { adds: { hcl }, found: hcl.type }
    },
  },
  {
    name: 'azure-cvm.runtime-data',
    title: 'The runtime data is JSON that names one attestation key',
    needs: ['hcl'],
    class: 'malformed',
    run({ hcl, fields }) {
      const runtime = parseRuntimeData(hcl.runtimeData)
      fields['keys'] = runtime.keyIds
      fields['vm_configuration'] = runtime.vmConfiguration
      if (runtime.userData !== undefined) fields['user_data'] = runtime.userData
      return { adds: { runtime }, found: runtime.keyIds.join(', ') }
    },
  },
  {
    name: 'azure-cvm.runtime-data-binding',
    title: 'The hardware report covers the runtime data: its hash, and zeros behind',
    needs: ['hcl'],
    class: 'binding',
    run({ hcl: { hash, reportData, runtimeData }, fields }) {
      const digest = publicCrypto.hash(hash.name, runtimeData)
      const expected = new Uint8Array(reportData.length)
      expected.set(digest)
      const binds = equalBytes(expected, reportData)
      if (hash.name === 'sha256') fields['runtime_data_sha256'] = toHex(digest)
      fields['report_data_binds_runtime_data'] = binds
      fields['binds'] = binds
      if (!binds)
        throw new Refusal(
          'REPORTDATA is not the hash of the runtime data',
          toHex(expected),
          toHex(reportData),
        )
      return { adds: { boundData: expected }, found: `${hash.title} ${toHex(digest)}` }
    },
  },
]

/** Of what may vouch for the key of the virtual TPM beside the hardware. */
export const CERTIFICATE_CHECKS: readonly Check<AzureFacts>[] = [
  {
    name: 'azure-cvm.ak-certificate',
    title: 'The certificate of the attestation key is Microsoft’s and of this key',
    needs: ['runtime'],
    class: 'chain',
    maySkip: true,
    run({ runtime: { attestationKey }, pieces, vtpmRoot, input: { at }, validUntil, fields }) {
      const certificate = selectAkCertificate(pieces.vtpm, attestationKey)
      if (certificate === undefined) throw new Skip(NO_CERTIFICATE)
      fields['ak_certificate'] = false
      const others = pieces.vtpm.filter((other) => other !== certificate)
      const path = verifyAkCertificate(certificate, others, attestationKey, vtpmRoot, at)
      fields['ak_certificate'] = true
      return {
        adds: { validUntil: earlier(validUntil, path.notAfter), akSubject: certificate.commonName ?? '' },
        found: path.chain.map(({ commonName, subjectText }) => commonName ?? subjectText).join(' < '),
      }
    },
  },
]
