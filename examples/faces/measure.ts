import type { FaceNetworks } from './graph/build.ts'
import { describePortraits, type Portrait } from './people/enrol.ts'

const THRESHOLDS = [0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9]

/**
 * How well a description tells people apart: every two pictures are compared. A wrong match is one of two people that
 * are alike beyond the threshold, a missed one is one of the same person that is not.
 */
export async function measure(networks: FaceNetworks, portraits: readonly Portrait[]): Promise<string[]> {
  const described = await describePortraits(networks, portraits)
  const usable = described.filter(({ faces }) => faces > 0)
  const alike: { same: number[]; different: number[] } = { same: [], different: [] }
  for (const [i, one] of usable.entries())
    for (const other of usable.slice(i + 1))
      alike[one.portrait.name === other.portrait.name ? 'same' : 'different'].push(
        cosine(one.embedding, other.embedding),
      )
  const people = new Set(usable.map(({ portrait }) => portrait.name)).size
  const lines = [
    `${described.length} pictures, a face found in ${usable.length}; ${people} people`,
    quantiles('same person', alike.same),
    quantiles('two people ', alike.different),
    '',
    'threshold  wrong matches  missed matches',
  ]
  const { minSimilarity } = networks.description
  const thresholds = [...new Set([...THRESHOLDS, minSimilarity])].toSorted((a, b) => a - b)
  for (const threshold of thresholds) {
    const wrong = share(alike.different, (value) => value > threshold)
    const missed = share(alike.same, (value) => value <= threshold)
    const mark = threshold === minSimilarity ? '  <- in use' : ''
    lines.push(`${threshold.toFixed(2).padEnd(9)}  ${wrong.padStart(13)}  ${missed.padStart(14)}${mark}`)
  }
  return lines
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}

function quantiles(title: string, values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number): string =>
    sorted.length === 0
      ? '–'
      : sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!.toFixed(2)
  return `${title}  ${sorted.length} pairs, likeness 1 % ${at(0.01)}, half ${at(0.5)}, 99 % ${at(0.99)}`
}

function share(values: readonly number[], isSo: (value: number) => boolean): string {
  if (values.length === 0) return '–'
  return `${((values.filter(isSo).length * 100) / values.length).toFixed(2)} %`
}
