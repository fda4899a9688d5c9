import { areDistinct } from '@sotto/protocol/jcs'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import type { NvidiaDevice } from './evidence.ts'
import { forEach, type NvidiaFacts } from './facts.ts'
import { compareMeasurements, comparisonFields } from './measurements.ts'
import { ARCHITECTURES } from './policy.ts'
import { neededKinds } from './reference-checks.ts'
import { FEATURE } from './report.ts'
import { withoutStatus } from './revocation.ts'
import { compareVersions } from './versions.ts'

const PROTECTED_PCIE = FEATURE.indexOf('protected-pcie')

/** Whether devices, their firmware and their mode are what the policy allows. */
export const ACCEPTABLE_CHECKS: readonly Check<NvidiaFacts>[] = [
  {
    name: 'nvidia.architecture',
    title: 'Each device is of an accepted kind',
    needs: ['devices'],
    class: 'hardware',
    run({ devices, policy: { architectures = ARCHITECTURES } }) {
      forEach(devices, ({ architecture }) => {
        if (!architectures.includes(architecture))
          throw new Refusal('the kind of device is not accepted', architectures.join(' or '), architecture)
      })
      return {
        expected: architectures.join(' or '),
        found: devices.map(({ architecture }) => architecture).join(', '),
      }
    },
  },
  {
    name: 'nvidia.device',
    title: 'Each device is one that the policy names',
    needs: ['devices'],
    class: 'hardware',
    maySkip: true,
    run({ devices, policy: { devices: accepted } }) {
      if (!accepted) throw new Skip('the policy names no devices')
      forEach(devices, ({ name }) => {
        if (name === undefined || !accepted.includes(name))
          throw new Refusal(
            'the device is not one that the policy names',
            accepted.join(' or '),
            name ?? 'no name',
          )
      })
      return { found: devices.map(({ name }) => name).join(', ') }
    },
  },
  {
    name: 'nvidia.measurements',
    title: "Every measurement equals one of NVIDIA's reference values for it",
    needs: ['referenced'],
    class: 'measurement',
    run({ referenced, fields }) {
      let matched = 0
      forEach(referenced, (one) => {
        if (one.references.size === 0) return
        const comparison = compareMeasurements(one)
        const { active, conflict, mismatch } = comparison
        if (referenced.length === 1) fields['rim_compare'] = comparisonFields(one, comparison)
        const { label } = one.device
        if (conflict.length > 0)
          throw new Refusal(`${label}two manifests speak of the same measurement`, 'one', conflict.join(', '))
        if (mismatch.length > 0)
          throw new Refusal(
            `${label}measurements are none of the reference values`,
            'none',
            mismatch.join(', '),
          )
        matched += active
      })
      if (matched === 0)
        throw new Refusal('no manifest is about these devices', undefined, undefined, 'collateral-missing')
      return { adds: { matched }, found: `${matched} reference values` }
    },
  },
  {
    name: 'nvidia.debug',
    title: 'No firmware is certified for a device in debug mode',
    needs: ['devices'],
    class: 'debug',
    run({ devices, policy: { allowDevtools = false } }) {
      const debug = devices.filter(({ identity }) => identity?.isDebug === true)
      if (debug.length > 0 && !allowDevtools)
        throw new Refusal('firmware is certified for a device in debug mode', 'none', namesOf(debug))
      return {
        found: 'a report has no field for CC DevTools mode: the guest must refuse it (NVML devToolsMode)',
      }
    },
  },
  {
    name: 'nvidia.references',
    title: 'Every reference manifest was given that the devices need',
    needs: ['devices'],
    class: 'collateral-missing',
    run(facts) {
      const { referenced = [], devices } = facts as NvidiaFacts
      forEach(devices ?? [], (device) => {
        const given = referenced.find((one) => one.device === device)?.references
        const missing = neededKinds(device).filter((kind) => given?.has(kind) !== true)
        if (missing.length > 0)
          throw new Refusal(
            'a reference manifest is missing',
            missing.join(' and '),
            'nothing genuine about it',
          )
      })
    },
  },
  {
    name: 'nvidia.revocation-status',
    title:
      'Current OCSP responses were given for all certificates of a path, or for none where none is required',
    needs: ['devices'],
    class: 'collateral-missing',
    maySkip: true,
    run(facts) {
      const { revocation, policy } = facts as NvidiaFacts
      const required = policy.requireOcsp === true
      if (!required && (revocation?.current.size ?? 0) === 0) throw new Skip('none are required')
      if (revocation === undefined) throw new Refusal('no OCSP responses were given that can be used')
      forEach(revocation.paths, (path) => {
        const missing = withoutStatus(path, revocation.current)
        const isPartial = missing.length < path.chain.length - 1 - path.from
        // An attacker who leaves out one answer leaves out the one that revokes.
        if (missing.length > 0 && (required || isPartial)) {
          const names = missing.map(({ subjectText }) => subjectText).join('; ')
          throw new Refusal(`current OCSP responses for the path of ${path.what} are missing`, names, 'none')
        }
      })
    },
  },
  {
    name: 'nvidia.driver-version',
    title: 'Each driver is new enough',
    needs: ['reports'],
    class: 'tcb',
    maySkip: true,
    run({ reports, policy: { minimumDriverVersion: minimum } }) {
      if (minimum === undefined) throw new Skip('the policy asks for none')
      forEach(reports, ({ report: { driverVersion } }) => {
        if (driverVersion !== undefined && compareVersions(driverVersion, minimum) < 0)
          throw new Refusal('the driver is too old', `${minimum} or newer`, driverVersion)
      })
    },
  },
  {
    name: 'nvidia.vbios-version',
    title: 'Each firmware is one that the policy names',
    needs: ['reports'],
    class: 'tcb',
    maySkip: true,
    run({ reports, policy: { vbiosVersions: accepted } }) {
      if (!accepted) throw new Skip('the policy names none')
      forEach(reports, ({ report: { vbiosVersion } }) => {
        if (!accepted.includes(vbiosVersion))
          throw new Refusal(
            'the firmware is not one that the policy names',
            accepted.join(' or '),
            vbiosVersion,
          )
      })
    },
  },
  {
    name: 'nvidia.interconnect',
    title: 'What GPUs send to each other is encrypted, unless the policy allows Protected PCIe',
    needs: ['reports'],
    class: 'guest-policy',
    run({ reports, policy: { allowProtectedPcie = false } }) {
      forEach(reports, ({ report: { feature, protectedPcie } }) => {
        if (feature !== undefined && FEATURE[feature] === undefined)
          throw new Refusal('the mode of the GPU is not known', FEATURE.join(', '), `${feature}`)
        const isUnprotected = feature === PROTECTED_PCIE || protectedPcie === true
        if (isUnprotected && !allowProtectedPcie)
          throw new Refusal(
            'GPUs talk over links that are not encrypted',
            'no Protected PCIe',
            'Protected PCIe',
          )
      })
    },
  },
  {
    name: 'nvidia.distinct',
    title: 'No device is there twice',
    needs: ['devices'],
    class: 'hardware',
    run({ devices }) {
      if (!areDistinct(devices.flatMap(({ ids }) => ids)))
        throw new Refusal('a device is counted twice', `${devices.length} devices`, 'fewer')
    },
  },
]

function namesOf(devices: readonly NvidiaDevice[]): string {
  return devices.map(({ name, product }) => name ?? product).join(', ')
}
