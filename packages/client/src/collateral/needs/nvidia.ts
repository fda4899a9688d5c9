import { fromUtf8 } from '@sotto/protocol/bytes'
import type { Certificate } from '@sotto/protocol/x509'
import type { Collateral } from '@sotto/verifier/family'
import { parseDevice, parseDeviceEvidence, rimIds } from '@sotto/verifier/nvidia'
import { collateralError } from '../errors.ts'
import { rimCertificateNeeds, statusNeeds } from '../sources/rim-certificates.ts'
import type { Need } from '../types.ts'

/**
 * What evidence of NVIDIA devices needs: the reference measurements of their driver and firmware, and the
 * status of every certificate in between. Tokens of NVIDIA's own service need its keys.
 *
 * @throws `EVIDENCE_MALFORMED`, `COLLATERAL_EVIDENCE`; errors of parsers
 */
export function nvidiaNeeds(evidence: Uint8Array, given: Collateral): Need[] {
  const first = evidence.find((byte) => byte > SPACE)
  if (first === OPEN_TAG) return rimCertificateNeeds(evidence)
  if (first === OPEN_LIST && isToken(evidence)) return [{ kind: 'nvidia-jwks' }]
  return parseDeviceEvidence(evidence).flatMap((device) => {
    const chain = device.chain ?? chainGiven(given)
    const parsed = parseDevice(device, chain)
    return [
      ...rimIds(parsed).map((id): Need => ({ kind: 'nvidia-rim', id })),
      ...deviceStatusNeeds(parsed.certificates),
    ]
  })
}

const [SPACE, OPEN_LIST, OPEN_TAG] = [0x20, 0x5b, 0x3c]

/** A list of devices has objects in it, a token text or lists. */
function isToken(evidence: Uint8Array): boolean {
  return !/^\s*\[\s*\{/.test(fromUtf8(evidence.subarray(0, 64)))
}

/** The leaf is made anew by the device itself, and no responder knows it. */
function deviceStatusNeeds(chain: readonly Certificate[]): Need[] {
  return statusNeeds(chain.slice(1))
}

/** Chain of a report that came alone: the one text in PEM beside it. */
function chainGiven(given: Collateral): Uint8Array {
  const [chain, ...more] = Object.values(given).filter((piece) => piece[0] === DASH)
  if (chain !== undefined && more.length === 0) return chain
  throw collateralError(
    'COLLATERAL_EVIDENCE',
    'the report does not come with the certificates of its device',
    {
      expected: 'one chain in PEM beside it',
      found: `${more.length + (chain === undefined ? 0 : 1)}`,
    },
  )
}

const DASH = 0x2d
