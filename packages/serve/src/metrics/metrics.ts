import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { App } from '../errors/index.ts'

/** The values a label may take; every other value is counted as `other`. At most 32 (cardinality). */
export type LabelValues = Readonly<Record<string, readonly string[]>>

/** Values for the labels of one metric. */
export type LabelsOf<L extends LabelValues> = { [K in keyof L]: L[K][number] | (string & {}) }

/** A number that only grows. */
export interface CounterMetric<L extends LabelValues> {
  add(labels: LabelsOf<L>, amount?: number): void
}
/** A number that goes up and down. */
export interface GaugeMetric<L extends LabelValues> {
  set(labels: LabelsOf<L>, value: number): void
}
/** A distribution over fixed buckets. */
export interface HistogramMetric<L extends LabelValues> {
  observe(labels: LabelsOf<L>, value: number): void
}

/** Coarse aggregates of one role (T17): no label ever holds what a user chose. */
export interface Metrics {
  counter<const L extends LabelValues>(name: string, help: string, labels: L): CounterMetric<L>
  gauge<const L extends LabelValues>(name: string, help: string, labels: L): GaugeMetric<L>
  /** A number that is read when somebody asks for it. */
  observed(name: string, help: string, read: () => number): void
  histogram<const L extends LabelValues>(
    name: string,
    help: string,
    buckets: number[],
    labels: L,
  ): HistogramMetric<L>
  /** Answers `GET /metrics` in the Prometheus text format; give it a port of its own. */
  app: App
}

const MAX_LABEL_VALUES = 32

/** Makes an empty registry. Names follow Prometheus: `sotto_<what>_<unit>`; units are in the name. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  return {
    counter(name, help, labels) {
      const metric = new Counter({ name, help, labelNames: namesOf(labels), registers })
      return { add: (values, amount = 1) => metric.inc(capped(labels, values), amount) }
    },
    gauge(name, help, labels) {
      const metric = new Gauge({ name, help, labelNames: namesOf(labels), registers })
      return { set: (values, value) => metric.set(capped(labels, values), value) }
    },
    observed(name, help, read) {
      const metric: Gauge = new Gauge({ name, help, registers: [], collect: (): void => metric.set(read()) })
      registry.registerMetric(metric)
    },
    histogram(name, help, buckets, labels) {
      const metric = new Histogram({ name, help, labelNames: namesOf(labels), buckets, registers })
      return { observe: (values, value) => metric.observe(capped(labels, values), value) }
    },
    async app(request) {
      if (new URL(request.url).pathname !== '/metrics') return new Response(null, { status: 404 })
      return new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } })
    },
  }
}

function namesOf(labels: LabelValues): string[] {
  for (const [name, values] of Object.entries(labels)) {
    if (values.length > MAX_LABEL_VALUES)
      throw new RangeError(`label ${name} has more than ${MAX_LABEL_VALUES} values`)
  }
  return Object.keys(labels)
}

function capped(labels: LabelValues, values: Record<string, string>): Record<string, string> {
  const result: Record<string, string> = {}
  for (const [name, allowed] of Object.entries(labels))
    result[name] = allowed.includes(values[name]!) ? values[name]! : 'other'
  return result
}
