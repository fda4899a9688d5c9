export { type Machine, machineFindings, thisMachine } from './checks.ts'
export type { Finding } from './finding.ts'
export { stackFinding } from './stack.ts'
