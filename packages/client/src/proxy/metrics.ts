/** Label values by name. */
export type Labels = Readonly<Record<string, string>>

/** Numbers in the Prometheus text format. */
export interface Metrics {
  /** A number that only grows. Name ends in `_total`. */
  counter(name: string, help: string): (labels?: Labels) => void
  /** A number that is asked for when somebody looks; undefined shows nothing. */
  gauge(name: string, help: string, read: () => number | undefined): void
  /** A distribution; `bounds` ascend. */
  histogram(name: string, help: string, bounds: readonly number[]): (value: number, labels?: Labels) => void
  /** Everything as text (https://prometheus.io/docs/instrumenting/exposition_formats/). */
  render(): string
}

/** Content type of {@link Metrics.render}. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Series of one metric. Labels come from closed lists, or from a file of users; this is for mistakes. */
const MAX_SERIES = 12_000

/** Makes an empty registry. What does not fit any more is counted nowhere. */
export function createMetrics(): Metrics {
  const metrics: (() => string[])[] = []

  function add(name: string, help: string, type: string, lines: () => string[]): void {
    metrics.push(() => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines()])
  }
  return {
    counter(name, help) {
      const series = new Map<string, number>()
      add(name, help, 'counter', () => [...series].map(([labels, value]) => `${name}${labels} ${value}`))
      return (labels = {}) => {
        const key = keyOf(labels)
        if (series.has(key) || series.size < MAX_SERIES) series.set(key, (series.get(key) ?? 0) + 1)
      }
    },
    gauge(name, help, read) {
      add(name, help, 'gauge', () => {
        const value = read()
        return value === undefined ? [] : [`${name} ${value}`]
      })
    },
    histogram(name, help, bounds) {
      const series = new Map<string, { labels: Labels; counts: number[]; sum: number }>()
      add(name, help, 'histogram', () => [...series.values()].flatMap((one) => linesOf(name, bounds, one)))
      return (value, labels = {}) => {
        const key = keyOf(labels)
        let one = series.get(key)
        if (one === undefined) {
          if (series.size >= MAX_SERIES) return
          series.set(key, (one = { labels, counts: Array.from(bounds, () => 0).concat(0), sum: 0 }))
        }
        const index = bounds.findIndex((bound) => value <= bound)
        one.counts[index < 0 ? bounds.length : index]!++
        one.sum += value
      }
    },
    render: () => `${metrics.flatMap((lines) => lines()).join('\n')}\n`,
  }
}

function linesOf(
  name: string,
  bounds: readonly number[],
  { labels, counts, sum }: { labels: Labels; counts: readonly number[]; sum: number },
): string[] {
  let total = 0
  const buckets = counts.map((count, index) => {
    total += count
    return `${name}_bucket${keyOf({ ...labels, le: bounds[index] === undefined ? '+Inf' : String(bounds[index]) })} ${total}`
  })
  return [...buckets, `${name}_sum${keyOf(labels)} ${sum}`, `${name}_count${keyOf(labels)} ${total}`]
}

/** `{a="b"}`, or nothing without labels. */
function keyOf(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
