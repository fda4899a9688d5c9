import type { Command } from '../../framework/index.ts'
import { trainCheck } from './check.ts'
import { trainInit } from './init.ts'
import { trainPlot } from './plot.ts'
import { trainCancel, trainResume, trainRun } from './run.ts'
import { trainStatus } from './status.ts'

/** `sotto train …`, in the order help lists them. */
export const trainCommands: readonly Command[] = [
  trainInit,
  trainCheck,
  trainRun,
  trainStatus,
  trainPlot,
  trainResume,
  trainCancel,
]
