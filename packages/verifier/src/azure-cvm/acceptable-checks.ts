import { toHex } from '@sotto/protocol/bytes'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import type { AzureFacts } from './facts.ts'
import { PARAVISOR_CHECK } from './paravisor.ts'

/** Whether the virtual machine is one that is wanted, in the order in which a refusal names its reason. */
export const ACCEPTABLE_CHECKS: readonly Check<AzureFacts>[] = [
  {
    name: 'azure-cvm.console',
    title: 'The host cannot log in through a serial console',
    needs: ['runtime'],
    class: 'debug',
    run({ runtime: { vmConfiguration }, policy }) {
      // Versions that do not know the member have no interactive console.
      const isInteractive = vmConfiguration['interactive-console-enabled'] ?? false
      if (isInteractive !== false && policy.allowInteractiveConsole !== true)
        throw new Refusal('interactive-console-enabled', 'false', text(isInteractive))
      if (policy.requireConsoleOff === true && vmConfiguration['console-enabled'] !== false)
        throw new Refusal('console-enabled', 'false', text(vmConfiguration['console-enabled']))
    },
  },
  {
    name: 'azure-cvm.vm-configuration',
    title: 'Secure boot and the virtual TPM are on',
    needs: ['runtime'],
    class: 'guest-policy',
    run({ runtime: { vmConfiguration }, policy }) {
      const requireOn = (name: string): void => {
        if (vmConfiguration[name] !== true) throw new Refusal(name, 'true', text(vmConfiguration[name]))
      }
      requireOn('tpm-enabled')
      if (policy.allowSecureBootOff !== true) requireOn('secure-boot')
    },
  },
  PARAVISOR_CHECK,
  {
    name: 'azure-cvm.vm-unique-id',
    title: 'The virtual machine is one that the policy names',
    needs: ['runtime'],
    class: 'measurement',
    maySkip: true,
    run({ runtime: { vmConfiguration }, policy: { vmUniqueIds } }) {
      if (vmUniqueIds === undefined) throw new Skip('the policy names no virtual machine')
      const found = text(vmConfiguration['vmUniqueId']).toUpperCase()
      if (!vmUniqueIds.some((id) => id.toUpperCase() === found))
        throw new Refusal('vmUniqueId is another', vmUniqueIds.join(' or '), found)
      return { found }
    },
  },
  {
    name: 'azure-cvm.user-data-allowed',
    title: 'The user data of the hardware report is one that the policy names',
    needs: ['runtime'],
    class: 'measurement',
    maySkip: true,
    run({ runtime: { userData = '' }, policy }) {
      if (policy.userData === undefined) throw new Skip('the policy names no user data')
      if (!policy.userData.includes(userData.toLowerCase()))
        throw new Refusal('user-data is another', policy.userData.join(' or '), userData)
    },
  },
  {
    name: 'azure-cvm.pcrs',
    title: 'What was started has the measurements that the policy names',
    needs: ['pcrs'],
    class: 'measurement',
    maySkip: true,
    run({ pcrs, policy }) {
      if (policy.pcrs === undefined) throw new Skip('the policy names no measurements')
      const entries = Object.entries(policy.pcrs)
      const wrong = entries.flatMap(([index, values]) => {
        const value = pcrs.values.get(Number(index))
        const found = value === undefined ? 'not quoted' : toHex(value)
        return values.includes(found) ? [] : [{ index, expected: values.join(' or '), found }]
      })
      const [first] = wrong
      if (first === undefined) return { found: `${entries.length} registers` }
      const names = wrong.map(({ index }) => `PCR ${index}`).join(', ')
      throw new Refusal(`${names}: another value`, first.expected, first.found)
    },
  },
]

/** A member of a JSON document that anybody may have written, for a message. */
function text(value: unknown): string {
  return typeof value === 'object' ? 'something else' : String(value).slice(0, 64)
}
