import type { Descent } from '@sotto/protocol/contract'
import { count, showDecimal } from './amounts.ts'

const MICROS = 6
const NANOS = 9

/** How weights move. @param unit what a step is of: `row`, `window` */
export function describeDescent(
  { steps, batch, optimiser, schedule, stopEarly }: Descent,
  unit: string,
): string[] {
  const { kind, rateNanos, warmupSteps, floorMicros } = schedule
  const memory =
    optimiser.kind === 'sgd'
      ? `momentum ${showDecimal(optimiser.momentumMicros, MICROS)}`
      : `betas ${showDecimal(optimiser.beta1Micros, MICROS)} and ${showDecimal(optimiser.beta2Micros, MICROS)}`
  return [
    `${count(steps, 'step')} of ${count(batch, unit)} each, by ${optimiser.kind}: ${memory}, weight decay ` +
      showDecimal(optimiser.weightDecayMicros, MICROS),
    `learning rate ${showDecimal(rateNanos, NANOS)}, ${kind}, ${count(warmupSteps, 'step')} to warm up, ` +
      `${showDecimal(floorMicros, MICROS)} of it at the end`,
    ...(stopEarly === undefined
      ? []
      : [
          `stops when the loss, measured every ${count(stopEarly.every, 'step')}, was not better ` +
            count(stopEarly.patience, 'time'),
        ]),
  ]
}
