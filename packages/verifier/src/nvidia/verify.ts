import { assess, type EvidenceInput, type EvidenceVerdict } from '../family/index.ts'
import { ACCEPTABLE_CHECKS } from './acceptable-checks.ts'
import { DEVICE_CHECKS } from './authentic-checks.ts'
import { readNvidiaCollateral } from './collateral.ts'
import type { NvidiaFacts } from './facts.ts'
import { isToken, verifyNrasToken } from './nras.ts'
import type { NvidiaPolicy } from './policy.ts'
import { COLLATERAL_CHECKS } from './reference-checks.ts'
import { knownRims } from './rim-signature.ts'
import { verifyRim } from './rim-verdict.ts'
import { type NvidiaRoots, nvidiaRoots } from './roots.ts'

/**
 * Judges evidence of NVIDIA GPUs and NVSwitches, told apart by content:
 * - a report as the device gave it (SPDM), with its chain (PEM) in the collateral;
 * - a list of reports with chains, alone or in the output of `nvattest collect-evidence`: each of them must hold;
 * - a token of NVIDIA's Remote Attestation Service with its detached tokens;
 * - a reference integrity manifest alone.
 *
 * Collateral, under any names: manifests (XML) of driver and firmware, OCSP responses (DER), keys of NRAS (JWK Set).
 * `expectedReportData` is the nonce, 32 bytes. A GPU says nothing about the machine it is in: bind its nonce to the
 * evidence of the processor beside it.
 *
 * @param roots default NVIDIA's; others are for tests of verifiers
 */
export function verifyNvidia(
  input: EvidenceInput<NvidiaPolicy>,
  roots: NvidiaRoots = nvidiaRoots(),
): EvidenceVerdict {
  if (startsAsXml(input.evidence)) return verifyRim(input, roots)
  if (isToken(input.evidence)) return verifyNrasToken(input, roots)
  return verifyDevices(input, roots)
}

function verifyDevices(input: EvidenceInput<NvidiaPolicy>, roots: NvidiaRoots): EvidenceVerdict {
  const facts: NvidiaFacts = {
    input,
    policy: input.policy ?? {},
    roots,
    collateral: readNvidiaCollateral(input.collateral, knownRims(roots)),
    fields: {},
  }
  return assess<NvidiaFacts>(
    {
      family: 'nvidia',
      authentic: [...DEVICE_CHECKS, ...COLLATERAL_CHECKS],
      acceptable: ACCEPTABLE_CHECKS,
      trustedParties: ['NVIDIA (makes and certifies the device, signs its reference values)'],
    },
    facts,
  )
}

function startsAsXml(bytes: Uint8Array): boolean {
  return bytes.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) === 0x3c
}
