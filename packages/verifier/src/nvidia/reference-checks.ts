import { type Check, Refusal, Skip } from '../checks/index.ts'
import { addDates, earlier } from '../family/index.ts'
import type { NvidiaDevice } from './evidence.ts'
import { forEach, type NvidiaFacts, type Reference, type ReferencedDevice, throwAll } from './facts.ts'
import { verifyRevocation } from './revocation.ts'
import type { Rim, RimKind } from './rim.ts'
import { rimFields, rimName, verifyRimAt } from './rim-signature.ts'

/** What came beside the reports: genuine, current, and about these devices. */
export const COLLATERAL_CHECKS: readonly Check<NvidiaFacts>[] = [
  {
    name: 'nvidia.collateral',
    title: 'Everything that came with the evidence can be read',
    needs: ['collateral'],
    class: 'collateral-invalid',
    run({ collateral }) {
      throwAll(collateral.problems)
    },
  },
  {
    name: 'nvidia.reference-signature',
    title: 'NVIDIA signed the reference manifests that were given',
    needs: ['collateral'],
    class: 'collateral-invalid',
    maySkip: true,
    run(facts) {
      const { collateral, roots, input, fields } = facts
      if (collateral.rims.length === 0) throw new Skip('no reference manifest was given')
      const rims = collateral.rims.toSorted((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind))
      const references: Reference[] = []
      try {
        forEach(rims, (rim) => {
          references.push({ rim, path: verifyRimAt(rim, roots, input.at) })
        })
      } finally {
        // What is genuine is used further, so that a verdict names everything that is wrong.
        if (references.length > 0) facts.references = references
        describeRims(rims, references, fields)
      }
      const ends = references.map(({ path }) => earlier((facts as NvidiaFacts).validUntil, path.notAfter))
      return { adds: { validUntil: Math.min(...ends) }, found: rims.map(rimName).join(', ') }
    },
  },
  {
    name: 'nvidia.reference-subject',
    title: 'Each manifest is about a chip, driver or firmware of these devices',
    needs: ['devices'],
    class: 'collateral-invalid',
    maySkip: true,
    run(facts) {
      const { references, devices } = facts as NvidiaFacts & Pick<Required<NvidiaFacts>, 'devices'>
      if (references === undefined) throw new Skip('no genuine reference manifest was given')
      const rims = references.map(({ rim }) => rim)
      facts.referenced = devices.map((device) => referencesOf(device, rims))
      const used = new Set(facts.referenced.flatMap(({ references }) => [...references.values()]))
      forEach(rims, (rim) => {
        if (used.has(rim)) return
        const isCopy = [...used].some((one) => isAboutTheSame(one, rim))
        const problem = isCopy ? 'was given twice' : 'is about none of these devices'
        throw new Refusal(`the ${rimName(rim)} ${problem}`, devices.map(versions).join('; '), rim.version)
      })
    },
  },
  {
    name: 'nvidia.ocsp',
    title: 'The OCSP responses that were given are genuine, about these certificates, and revoke none',
    needs: ['collateral'],
    class: 'collateral-invalid',
    maySkip: true,
    run(facts) {
      const { collateral, input } = facts
      if (collateral.ocsp.length === 0) throw new Skip('no OCSP response was given')
      const { paths = [], references = [], validUntil } = facts as NvidiaFacts
      const deviceChains = paths.map(({ chain }) => ({ what: 'a device', chain, from: 1 }))
      const rimChains = references.map(({ rim, path }) => ({
        what: `the ${rimName(rim)}`,
        chain: path.chain,
        from: 0,
      }))
      const isComplete = areReferencesComplete(facts)
      const revocation = verifyRevocation(
        [...deviceChains, ...rimChains],
        collateral.ocsp,
        input.at,
        isComplete,
      )
      const { current, stale, unrelated, issuedAt } = revocation
      return {
        adds: {
          revocation,
          dates: addDates(facts, 'revocation', ...issuedAt),
          ...(revocation.validUntil !== undefined && {
            validUntil: earlier(validUntil, revocation.validUntil),
          }),
        },
        found: `${current.size} current, ${stale} of another time, ${unrelated} about certificates that were not given`,
      }
    },
  },
]

/** Kinds in the order of fields. */
const KINDS: readonly RimKind[] = ['driver', 'vbios', 'switch-bios']

/** Kinds that a device needs. */
export function neededKinds({ architecture }: NvidiaDevice): readonly RimKind[] {
  return architecture === 'ls10' ? ['switch-bios'] : ['driver', 'vbios']
}

function referencesOf(device: NvidiaDevice, rims: readonly Rim[]): ReferencedDevice {
  const { report, product } = device
  const references = new Map<RimKind, Rim>()
  for (const kind of neededKinds(device)) {
    const version = kind === 'driver' ? report.driverVersion : report.vbiosVersion
    const isAbout = (rim: Rim): boolean =>
      rim.kind === kind && rim.version === version && (rim.product === product || rim.product === report.chip)
    const rim = rims.find(isAbout)
    if (rim) references.set(kind, rim)
  }
  return { device, references }
}

function isAboutTheSame(a: Rim, b: Rim): boolean {
  return a.kind === b.kind && a.version === b.version && a.product === b.product
}

/** Whether every device has all of its manifests: then nothing else can be what a response is about. */
function areReferencesComplete({ referenced = [] }: Partial<NvidiaFacts>): boolean {
  return (
    referenced.length > 0 &&
    referenced.every(({ device, references }) => neededKinds(device).every((kind) => references.has(kind)))
  )
}

function versions({ product, report }: NvidiaDevice): string {
  return `${product} ${report.driverVersion ?? ''} ${report.vbiosVersion}`
}

function describeRims(
  rims: readonly Rim[],
  genuine: readonly Reference[],
  fields: NvidiaFacts['fields'],
): void {
  const described = rims.map((rim) =>
    rimFields(
      rim,
      genuine.some((one) => one.rim === rim),
    ),
  )
  if (rims.length === 1 && rims[0]!.kind === 'switch-bios') fields['rim_signature'] = described[0]!
  else fields['rim_signatures'] = described
}
