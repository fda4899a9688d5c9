import { equalBytes, toHex } from '@sotto/protocol/bytes'
import { type Decoder, hex, list, object } from '@sotto/protocol/jcs'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import { assess, type EvidenceInput, type FieldObject, type Reason } from '../family/index.ts'
import { findGuestDefects } from '../snp/guest.ts'
import { parseSnpReport, type SnpReport } from '../snp/report.ts'
import { verifySoftwareReport } from '../software/index.ts'
import type { PieceVerdict } from './verdict.ts'

/** What a report of the software TEE must say. Values are lower-case hexadecimal. */
export interface SoftwarePolicy {
  /** Accepted roots, SHA-256 of the raw P-384 point: there is none by default (T10). */
  roots: readonly string[]
  /** Accepted MEASUREMENT, 48 bytes. */
  measurements?: readonly string[]
  /** Accepted HOST_DATA, 32 bytes. */
  hostData?: readonly string[]
}

const MAX_ENTRIES = 4096
const OPTIONAL = { measurements: list(hex(48), 1, MAX_ENTRIES), hostData: list(hex(32), 1, MAX_ENTRIES) }

/** Reads a policy that a person wrote. @throws `JCS_FIELD` (fix-input), for unknown members too */
export const softwarePolicyDecoder: Decoder<SoftwarePolicy> = (value, path) => {
  const given = Object.entries(OPTIONAL).filter(
    ([name]) => typeof value === 'object' && value !== null && Object.hasOwn(value, name),
  )
  const fields = { roots: list(hex(32), 1, 16), ...Object.fromEntries(given) }
  return object(fields as never)(value, path) as SoftwarePolicy
}

interface SoftwareFacts {
  input: EvidenceInput<SoftwarePolicy>
  policy: SoftwarePolicy
  fields?: FieldObject
  report?: SnpReport
}

/**
 * Judges a report of the software TEE. Its one piece of collateral is the raw point of the root that signed.
 * It proves nothing about hardware, whatever it says.
 */
export function verifySoftware(input: EvidenceInput<SoftwarePolicy>): PieceVerdict {
  const verdict = assess<SoftwareFacts>(
    {
      // A verdict has no name for it among the kinds of hardware; the caller gets the right one.
      family: 'sev-snp',
      authentic: AUTHENTIC,
      acceptable: ACCEPTABLE,
      trustedParties: ['the owner of the machine (software TEE)'],
    },
    { input, policy: input.policy ?? { roots: [] } },
  )
  return { ...verdict, family: 'software' }
}

/** Classes of the errors by which `verifySoftwareReport` refuses. */
const CLASSES: Readonly<Record<string, Reason>> = {
  EVIDENCE_MALFORMED: 'malformed',
  EVIDENCE_ROOT: 'chain',
  EVIDENCE_SIGNATURE: 'signature',
}

const AUTHENTIC: readonly Check<SoftwareFacts>[] = [
  {
    name: 'software.report',
    title: 'A root that the policy names signed this report',
    needs: ['input'],
    class: 'malformed',
    run({ input: { evidence, collateral }, policy }) {
      try {
        const { report } = verifySoftwareReport(evidence, Object.values(collateral), policy.roots)
        const fields = {
          measurement: toHex(report.MEASUREMENT),
          host_data: toHex(report.HOST_DATA),
          report_data: toHex(report.REPORT_DATA),
          chip_id: toHex(report.CHIP_ID),
        }
        return { adds: { report, fields } }
      } catch (error) {
        const { code, message, expected, found } = error as Record<string, string | undefined>
        throw new Refusal(message ?? 'refused', expected, found, CLASSES[code ?? ''])
      }
    },
  },
  {
    name: 'software.report-data',
    title: 'The report is bound to the expected data',
    needs: ['input'],
    class: 'binding',
    maySkip: true,
    run({ input: { evidence, expectedReportData: expected } }) {
      if (expected === undefined) throw new Skip('nothing to compare with was given')
      const { REPORT_DATA: found } = parseSnpReport(evidence)
      if (expected.length !== found.length)
        throw new Refusal('the expectation has another length', '64 bytes')
      if (!equalBytes(expected, found))
        throw new Refusal('REPORT_DATA is bound to something else', toHex(expected), toHex(found))
    },
  },
]

const ACCEPTABLE: readonly Check<SoftwareFacts>[] = [
  {
    name: 'software.guest-policy',
    title: 'It was started in a way that keeps secrets',
    needs: ['report'],
    class: 'guest-policy',
    run({ report }) {
      const defects = findGuestDefects(report)
      if (defects.length > 0) throw new Refusal(defects.join('; '))
    },
  },
  allowed('measurement', 'MEASUREMENT', 'measurements'),
  allowed('host-data', 'HOST_DATA', 'hostData'),
]

function allowed(
  name: string,
  field: 'MEASUREMENT' | 'HOST_DATA',
  member: 'measurements' | 'hostData',
): Check<SoftwareFacts> {
  return {
    name: `software.${name}`,
    title: `${field} is one that the policy names`,
    needs: ['report'],
    class: 'measurement',
    maySkip: true,
    run({ report, policy }) {
      const values = policy[member]
      if (values === undefined) throw new Skip('the policy names none')
      const found = toHex(report[field])
      if (!values.includes(found)) throw new Refusal(`${field} is another`, values.join(' or '), found)
      return { found }
    },
  }
}
