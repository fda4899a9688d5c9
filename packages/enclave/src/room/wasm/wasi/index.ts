import type { WasiContext, WasiFunctions } from './context.ts'
import { ERRNO, WasiError } from './errno.ts'
import { fileFunctions } from './file-functions.ts'
import { pathFunctions } from './path-functions.ts'
import { processFunctions } from './process-functions.ts'
import type { WasiFunctionName } from './signatures.ts'

export type { WasiContext } from './context.ts'
export { Descriptors } from './descriptors.ts'
export { directoryOf, directoryOfItems, fileOf, type WasiDirectory, type WasiNode } from './files.ts'
export { GuestMemory } from './guest-memory.ts'
export { findItems } from './items.ts'
export { OutputFile } from './output-file.ts'
export { ModuleExit } from './process-functions.ts'
export { RandomStream } from './random-stream.ts'

/** Instructions that any call costs, whatever it does. */
const CALL_COST = 200

/**
 * WASI preview 1 (https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md) over files in memory: everything
 * that a module can do beside computing. It reads what it was given, writes one file, and learns nothing of the machine: no
 * environment, no clock that moves, no chance that does not follow from the run.
 * @param start makes the context of a run; called once there is a memory, before the first call
 */
export function wasiImports(
  names: readonly string[],
  start: () => WasiContext,
): Record<string, (...values: never[]) => number> {
  let context: WasiContext | undefined
  let functions: WasiFunctions | undefined
  const call = (name: WasiFunctionName, values: never[]): number => {
    context ??= start()
    functions ??= { ...fileFunctions(context), ...pathFunctions(context), ...processFunctions(context) }
    context.pay(CALL_COST)
    try {
      functions[name]!(...values)
      return ERRNO.success
    } catch (error) {
      if (error instanceof WasiError) return error.errno
      throw error
    }
  }
  return Object.fromEntries(
    names.map((name) => [name, (...values: never[]) => call(name as WasiFunctionName, values)]),
  )
}
