import { equalBytes } from '@sotto/protocol/bytes'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import {
  assess,
  earlier,
  type EvidenceInput,
  type EvidenceVerdict,
  type FieldValue,
} from '../family/index.ts'
import type { NvidiaPolicy } from './policy.ts'
import { parseRim, type Rim } from './rim.ts'
import {
  requireRimValidAt,
  rimLinks,
  rimSignatureOutcome,
  rimValidity,
  verifyRimChain,
  verifyRimSignature,
} from './rim-signature.ts'
import { type NvidiaRoots, nvidiaRoots } from './roots.ts'

interface RimFacts {
  input: EvidenceInput<NvidiaPolicy>
  roots: NvidiaRoots
  fields: Record<string, FieldValue>
  validUntil?: number
  rim?: Rim
}

const RIM_CHECKS: readonly Check<RimFacts>[] = [
  {
    name: 'nvidia.rim',
    title:
      'These are reference values and evidence of no device: a manifest with one signature over all of it',
    needs: [],
    class: 'malformed',
    run({ input: { evidence }, fields }) {
      const rim = parseRim(evidence)
      const { kind, version, product, golden } = rim
      Object.assign(fields, { kind, version, product, active: golden.size, valid: rimValidity(rim) })
      return { adds: { rim }, found: `${kind} ${version} (${product})` }
    },
  },
  {
    name: 'nvidia.rim-chain',
    title: "NVIDIA's authority for reference manifests certified its signer, who may sign at this time",
    needs: ['rim'],
    class: 'chain',
    run({ rim, roots, input: { at }, fields, validUntil }) {
      fields['chain'] = rimLinks(rim)
      fields['root_ok'] = roots.referenceManifests.some((root) =>
        equalBytes(root.der, rim.certificates.at(-1)!.der),
      )
      const path = verifyRimChain(rim, roots)
      requireRimValidAt(rim, path, at)
      return { adds: { validUntil: earlier(validUntil, path.notAfter) } }
    },
  },
  {
    name: 'nvidia.rim-signature',
    title: 'The signer signed this manifest as it is',
    needs: ['rim'],
    class: 'signature',
    run({ rim, fields }) {
      const { sig, digest } = rimSignatureOutcome(rim)
      Object.assign(fields, { sig_over_signedinfo: sig, reference_digest: digest })
      verifyRimSignature(rim, 'signature')
    },
  },
]

const NO_NONCE: Check<RimFacts> = {
  name: 'nvidia.nonce',
  title: 'Reference values are bound to nothing',
  needs: [],
  class: 'binding',
  maySkip: true,
  run({ input: { expectedReportData } }) {
    if (expectedReportData === undefined) throw new Skip('nothing to compare with was given')
    throw new Refusal('a manifest answers no nonce: it is the same for everybody')
  },
}

/** Members of a policy that ask something of a device; the others allow something, or are about tokens. */
const DEMANDS = ['architectures', 'devices', 'minimumDriverVersion', 'vbiosVersions', 'requireOcsp'] as const

const NO_DEVICE: Check<RimFacts> = {
  name: 'nvidia.device',
  title: 'There is a device, and it is what the policy asks for',
  needs: [],
  class: 'hardware',
  maySkip: true,
  run({ input: { policy = {} } }) {
    const asked = DEMANDS.filter((name) => (policy[name] ?? false) !== false)
    if (asked.length === 0) throw new Skip('these are reference values and evidence of no device')
    throw new Refusal('reference values are evidence of no device', asked.join(', '), 'no device')
  },
}

/**
 * Judges a reference integrity manifest alone: whether NVIDIA says this. Nothing is then known about any device, so
 * that a policy that asks something of one refuses it, and none admits it as a GPU.
 */
export function verifyRim(
  input: EvidenceInput<NvidiaPolicy>,
  roots: NvidiaRoots = nvidiaRoots(),
): EvidenceVerdict {
  const facts: RimFacts = { input, roots, fields: {} }
  return assess<RimFacts>(
    {
      family: 'nvidia',
      authentic: [...RIM_CHECKS, NO_NONCE],
      acceptable: [NO_DEVICE],
      trustedParties: ['NVIDIA (signs its reference values)'],
    },
    facts,
  )
}
