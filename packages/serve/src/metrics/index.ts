export {
  type CounterMetric,
  createMetrics,
  type GaugeMetric,
  type HistogramMetric,
  type LabelsOf,
  type LabelValues,
  type Metrics,
} from './metrics.ts'
