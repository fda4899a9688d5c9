import { roomRoleError } from '../errors.ts'
import type { StepResult } from '../results.ts'
import { runInferStep } from './infer-step.ts'
import { runSqlStep } from './sql-step.ts'
import type { Step } from './types.ts'

/** Runs one step by its kind. @throws `ROOM_TASK`, and the codes of each kind */
export async function runStep(step: Step): Promise<StepResult> {
  const { task } = step.transform
  switch (task.kind) {
    case 'infer':
      return runInferStep(step, task)
    case 'sql':
      return runSqlStep(step, task)
    default:
      throw roomRoleError('ROOM_TASK', `this room does not run tasks of kind ${task.kind}`)
  }
}
