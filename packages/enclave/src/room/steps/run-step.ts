import type { StepResult } from '../results.ts'
import { runContainerStep } from './container-step.ts'
import { runFinetuneStep } from './finetune-step.ts'
import { runInferStep } from './infer-step.ts'
import { runSqlStep } from './sql-step.ts'
import { runTrainStep } from './train-step.ts'
import type { Step } from './types.ts'
import { runWasmStep } from './wasm-step.ts'

/** Runs one step by its kind. @throws `ROOM_TASK`, and the codes of each kind */
export async function runStep(step: Step): Promise<StepResult> {
  const { task } = step.transform
  switch (task.kind) {
    case 'infer':
      return runInferStep(step, task)
    case 'sql':
      return runSqlStep(step, task)
    case 'wasm':
      return runWasmStep(step, task)
    case 'container':
      return runContainerStep(step, task)
    case 'train':
      return runTrainStep(step, task)
    case 'finetune':
      return runFinetuneStep(step, task)
  }
}
