import type { ContainerTask } from '@sotto/protocol/contract'
import { type InputContent, runContainer } from '../container/index.ts'
import { roomRoleError } from '../errors.ts'
import type { StepResult } from '../results.ts'
import { codeOf, withCodeInputs } from './code-inputs.ts'
import type { Step } from './types.ts'

/**
 * A container over what the step reads: the image that the contract pins, from its OCI layout, without a daemon and without
 * a network.
 * @throws `ROOM_TASK` where this room runs no containers; codes of `runContainer`; `ROOM_INPUT`, `ROOM_FILES`
 */
export async function runContainerStep(step: Step, task: ContainerTask): Promise<StepResult> {
  const { container } = step.tools
  if (container === undefined) throw roomRoleError('ROOM_TASK', 'this room runs no containers')
  const image = await codeOf(step, task.image, 'oci')
  return withCodeInputs(step, task.image, async (read) => {
    const inputs = new Map<string, InputContent | readonly InputContent[]>()
    for (const { name, file, items } of read)
      inputs.set(name, items === 'one' ? file.fd : await step.inputs.items(name))
    step.onProgress(0, 1)
    const bytes = await runContainer(container, {
      task,
      image: image.fd,
      inputs,
      maxOutputBytes: step.maxBytes,
      signal: step.signal,
    })
    step.onProgress(1, 1)
    return { kind: 'bytes', bytes }
  })
}
