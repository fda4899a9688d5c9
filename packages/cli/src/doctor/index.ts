export { type Finding, type Machine, machineFindings, thisMachine } from './checks.ts'
export { stackFinding } from './stack.ts'
