import { fromHex } from '@sotto/protocol/bytes'
import { runDigest, type WasmTask } from '@sotto/protocol/contract'
import { roomRoleError } from '../errors.ts'
import { readBytes } from '../inputs/read-range.ts'
import type { StepResult } from '../results.ts'
import { requireModuleSize, runWasm } from '../wasm/index.ts'
import { codeOf, withCodeInputs } from './code-inputs.ts'
import type { Step } from './types.ts'

/** Node takes so much besides the memory of a module and what it writes. */
const PROCESS_BYTES: number = 2 * 1024 ** 3

/**
 * A module of WebAssembly over what the step reads, in a process of its own. Its clock stands at the time of the offer and
 * its randomness follows from the run: whoever has module and inputs gets the same bytes.
 * @throws `ROOM_TASK` where this room runs no modules; codes of `runWasm`; `ROOM_INPUT`, `ROOM_FILES`
 */
export async function runWasmStep(step: Step, task: WasmTask): Promise<StepResult> {
  const { tools, offer, maxBytes, signal } = step
  const { wasm, host } = tools
  if (wasm === undefined) throw roomRoleError('ROOM_TASK', 'this room runs no WebAssembly')
  const { fd, bytes: size } = await codeOf(step, task.module, 'wasm')
  requireModuleSize(size)
  const module = await readBytes(fd, 0, size)
  const place = await host.place(PROCESS_BYTES + task.limits.memoryBytes + maxBytes)
  try {
    return await withCodeInputs(step, task.module, async (read) => {
      step.onProgress(0, 1)
      const bytes = await runWasm(
        { entry: wasm.entry, ...place },
        {
          module,
          args: task.args,
          limits: task.limits,
          inputs: read.map(({ name, file, items }) => ({ name, fd: file.fd, items })),
          maxOutputBytes: maxBytes,
          time: offer.at,
          seed: fromHex(runDigest(offer)),
          signal,
        },
      )
      step.onProgress(1, 1)
      return { kind: 'bytes', bytes }
    })
  } finally {
    place.giveBack()
  }
}
