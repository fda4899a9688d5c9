import { fileURLToPath } from 'node:url'
import {
  type Contract,
  type FinetuneTask,
  type Input,
  type Output,
  planRun,
  type RunPlan,
  type TrainTask,
} from '@sotto/protocol/contract'
import type { StepTools } from '../../../src/room/index.ts'
import { makeEmptyDirectory } from '../../../src/sandbox/index.ts'
import { ONE } from '../../train/process/tasks.ts'
import { NO_RULES } from './sealed-inputs.ts'

const entry = fileURLToPath(new URL('../../../src/train/process/worker.ts', import.meta.url))

/** Tools of a room that trains from source, without a sandbox. */
export function trainTools(onPlace: (memoryBytes: number) => void = () => {}): StepTools {
  const emptyDirectory = makeEmptyDirectory()
  const host = {
    place: (memoryBytes: number) => {
      onPlace(memoryBytes)
      return Promise.resolve({
        execPath: process.execPath,
        prefix: [],
        flags: [],
        emptyDirectory,
        giveBack: () => {},
      })
    },
  }
  return { host: host as unknown as StepTools['host'], train: { entry, threads: 1 } }
}

/** A table of the bank with the columns of the made-up ones. */
export function tableInput(name: string, over: Partial<Input> = {}): Input {
  return {
    name,
    owner: 'bank',
    kind: 'table',
    columns: [...ONE.columns],
    uses: [{ transform: 'fit', runs: 10 }],
    rules: NO_RULES,
    ...over,
  }
}

/** An output of the training. */
export function outputOf(name: string, over: Partial<Output> = {}): Output {
  return { name, from: 'fit', receivers: ['bank'], maxBytes: 1_000_000, ...over }
}

/** What a run of one training computes. */
export function planOf(
  task: TrainTask | FinetuneTask,
  inputs: readonly Input[] = [tableInput('one')],
  outputs: readonly Output[] = [outputOf('model')],
): RunPlan {
  const fit = { name: 'fit', reads: inputs.map(({ name }) => name), room: ['ab'.repeat(32)], task }
  const contract = { inputs: [...inputs], transforms: [fit], outputs: [...outputs] }
  return planRun(contract as unknown as Contract, 'fit')
}
