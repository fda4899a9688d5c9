/** Figures of a training as receivers open them. */
import { readFile } from 'node:fs/promises'

/**
 * @param {string} file
 * @returns {Promise<Record<string, number>>} by name: loss, accuracy, auc
 */
export async function readFigures(file) {
  const { metrics } = JSON.parse(await readFile(file, 'utf8'))
  return Object.fromEntries(metrics.map(({ metric, valueMicros }) => [metric, valueMicros / 1e6]))
}
