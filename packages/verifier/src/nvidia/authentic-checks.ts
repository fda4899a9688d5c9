import { equalBytes, toHex } from '@sotto/protocol/bytes'
import { publicCrypto, type VerifyingKey } from '@sotto/protocol/crypto-backend'
import { KEY_USAGE, type PublicKey, verifyPath } from '@sotto/protocol/x509'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import { earlier, withX509 } from '../family/index.ts'
import { COMPOSITE_DEVICE_ID, DICE_TCB_INFO } from './dice.ts'
import { parseDevice, parseDeviceEvidence, type NvidiaDevice } from './evidence.ts'
import { forEach, type NvidiaFacts } from './facts.ts'
import { deviceFields, gpuFields, listFields, reportFields } from './fields.ts'

const NONCE_BYTES = 32

/** Who signed, and what. */
export const DEVICE_CHECKS: readonly Check<NvidiaFacts>[] = [
  {
    name: 'nvidia.report',
    title: 'Each report has the layout of SPDM 1.1, and nothing else in it',
    needs: [],
    class: 'malformed',
    run({ input: { evidence }, fields }) {
      const reports = parseDeviceEvidence(evidence)
      const isList = reports[0]!.chain !== undefined
      Object.assign(fields, isList ? listFields(reports) : reportFields(reports[0]!.report))
      return { adds: { reports }, found: reports.length === 1 ? 'one report' : `${reports.length} reports` }
    },
  },
  {
    name: 'nvidia.certificates',
    title: 'The certificates of the key of each device were given',
    needs: ['reports', 'collateral'],
    class: 'malformed',
    run({ reports, collateral, fields }) {
      const isList = reports[0]!.chain !== undefined
      if (!isList && collateral.chains.length !== 1) {
        const { length } = collateral.chains
        throw new Refusal('there is no one chain of certificates', 'one', `${length}`, 'collateral-missing')
      }
      const devices = forEach(reports, (report) => parseDevice(report, report.chain ?? collateral.chains[0]!))
      if (!isList) Object.assign(fields, deviceFields(devices[0]!))
      Object.assign(fields, gpuFields(devices))
      return { adds: { devices }, found: devices.map(({ product }) => product).join(', ') }
    },
  },
  {
    name: 'nvidia.chain',
    title: 'NVIDIA certified the key of each device: it leads to the pinned root and is valid',
    needs: ['devices'],
    class: 'chain',
    run({ devices, roots, input: { at }, fields, validUntil }) {
      const isList = devices[0]!.chain !== undefined
      if (!isList) fields['chain'] = 'invalid'
      const paths = forEach(devices, (device) => verifyDeviceChain(device, roots, at))
      if (!isList) fields['chain'] = 'valid'
      return {
        adds: { paths, validUntil: Math.min(...paths.map(({ notAfter }) => earlier(validUntil, notAfter))) },
        found: paths[0]!.chain.map(({ subjectText }) => subjectText).join(' < '),
      }
    },
  },
  {
    name: 'nvidia.signature',
    title: 'Each device signed its report, together with the request it answers',
    needs: ['devices'],
    class: 'signature',
    run({ devices, fields }) {
      const signatures = devices.map(isReportSigned)
      if (devices[0]!.chain !== undefined) fields['signatures'] = signatures
      else fields['signature'] = signatures[0] === true ? 'valid' : 'invalid'
      forEach(devices, (device) => {
        if (signatures[devices.indexOf(device)] !== true)
          throw new Refusal('the signature does not cover this report')
      })
    },
  },
  {
    name: 'nvidia.firmware-id',
    title: 'Each key is certified for the firmware that the report names',
    needs: ['devices'],
    class: 'certificate-binding',
    maySkip: true,
    run({ devices }) {
      const naming = devices.filter(({ report }) => report.fwid !== undefined)
      if (naming.length === 0) throw new Skip('the report names no firmware: its driver is older than that')
      forEach(naming, requireFirmware)
      return { found: `${naming.length} of ${devices.length}` }
    },
  },
  {
    name: 'nvidia.nonce',
    title: 'Each report answers the nonce that was expected',
    needs: ['reports'],
    class: 'binding',
    maySkip: true,
    run({ reports, input: { expectedReportData: expected } }) {
      const found = toHex(reports[0]!.report.spdm.requesterNonce)
      if (expected === undefined) {
        if (reports.some(({ report }) => toHex(report.spdm.requesterNonce) !== found))
          throw new Refusal('the reports answer different nonces', 'one', 'several')
        throw new Skip('nothing to compare with was given')
      }
      if (expected.length !== NONCE_BYTES)
        throw new Refusal('a nonce has another length', `${NONCE_BYTES} bytes`, `${expected.length}`)
      forEach(reports, ({ report: { spdm } }) => {
        if (!equalBytes(spdm.requesterNonce, expected))
          throw new Refusal('the report answers another nonce', toHex(expected), toHex(spdm.requesterNonce))
      })
      return { expected: toHex(expected), found }
    },
  },
]

function verifyDeviceChain({ certificates }: NvidiaDevice, roots: NvidiaFacts['roots'], at: number) {
  const path = withX509('the chain of the device', () =>
    verifyPath(certificates, { roots: roots.devices, at }),
  )
  const { basicConstraints, keyUsage = 0, subjectText } = path.chain[0]!
  if (basicConstraints?.ca === true || (keyUsage & KEY_USAGE.digitalSignature) === 0)
    throw new Refusal('the report is signed by an authority', 'a device', subjectText, 'chain')
  return path
}

function isReportSigned({ report: { spdm }, certificates }: NvidiaDevice): boolean {
  const key = importKey(certificates[0]!.publicKey)
  return key !== undefined && key.verify(spdm.signed, spdm.signature)
}

/** SPDM's TPM_ALG_ECDSA_ECC_NIST_P384 with SHA-384 is all that these devices have. */
function importKey(key: PublicKey): VerifyingKey | undefined {
  if (key.type !== 'ec' || key.curve !== 'P-384') return undefined
  try {
    return publicCrypto.ecdsa.importPublic('P-384', 'sha384', key.point)
  } catch {
    return undefined
  }
}

/** The extension is the one of the generation, and its first FWID is the one in the report. */
function requireFirmware({ report, architecture, identity }: NvidiaDevice): void {
  const extension = architecture === 'blackwell' ? DICE_TCB_INFO : COMPOSITE_DEVICE_ID
  if (identity?.extension !== extension)
    throw new Refusal(
      'the certificate names no firmware',
      extension,
      identity?.extension ?? 'none',
      'certificate-binding',
    )
  if (!equalBytes(identity.fwid, report.fwid!))
    throw new Refusal(
      'the key is certified for other firmware',
      toHex(identity.fwid),
      toHex(report.fwid!),
      'certificate-binding',
    )
}
