export {
  type ContainerEngine,
  type ContainerEngineOptions,
  type ContainerSandboxReport,
  createContainerEngine,
} from './engine.ts'
export { containerError, type RoomContainerErrorCode } from './errors.ts'
export type { InputContent, JobInputs } from './inputs.ts'
export { type ContainerProgram, measuredContainerProgram, unmeasuredContainerProgram } from './program.ts'
export { type ContainerRun, runContainer } from './run.ts'
