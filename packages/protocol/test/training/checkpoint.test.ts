import { describe, expect, it } from 'vitest'
import {
  checkpointDigest,
  encodeCheckpoint,
  encodeMetrics,
  encodeSafetensors,
  parseCheckpoint,
  parseMetrics,
  parseSafetensors,
  type TrainingMetrics,
  type TrainingState,
} from '../../src/training/index.ts'

const RUN = '5a'.repeat(32)
const STATE: TrainingState = {
  step: 17,
  parameters: [Float32Array.of(1, -0, NaN, Infinity), Float32Array.of()],
  optimiser: [Float32Array.of(0.1)],
  stop: { best: Infinity, since: 0 },
}

describe('a state of a training', () => {
  it('comes back to the bit', () => {
    const bytes = encodeCheckpoint(RUN, STATE)
    expect(parseCheckpoint(bytes, RUN)).toEqual(STATE)
    expect(encodeCheckpoint(RUN, parseCheckpoint(bytes, RUN))).toEqual(bytes)
    const { stop: _, ...without } = STATE
    expect(parseCheckpoint(encodeCheckpoint(RUN, without), RUN)).toEqual(without)
  })

  it('keeps its bytes from version to version', () => {
    expect(checkpointDigest(encodeCheckpoint(RUN, STATE))).toBe(
      'f73c7f5ce21a88a28373d02629a2d65be6487a158c8fd47013dc30abd380595b',
    )
  })

  it('of another run is refused', () => {
    expect(() => parseCheckpoint(encodeCheckpoint(RUN, STATE), '00'.repeat(32))).toThrow(
      expect.objectContaining({ code: 'TRAINING_CHECKPOINT', action: 'stop' }),
    )
  })

  it.each([
    ['no step', { metadata: { step: '-1' } }],
    ['a step in another spelling', { metadata: { step: '017' } }],
    ['another format', { metadata: { format: 'sotto-checkpoint-v2' } }],
    ['a member of no meaning', { metadata: { more: '' } }],
    ['a weight that is left out', { without: 'parameter.0' }],
    ['a figure that is left out', { without: 'stop', instead: [1] }],
    ['figures that are no number', { without: 'stop', instead: [NaN, 0] }],
    ['figures since a part of one', { without: 'stop', instead: [1, 0.5] }],
  ] as [string, { metadata?: Record<string, string>; without?: string; instead?: number[] }][])(
    'with %s is refused',
    (_, { metadata = {}, without, instead }) => {
      const file = parseSafetensors(encodeCheckpoint(RUN, STATE))
      const tensors = file.tensors.filter(({ name }) => name !== without)
      if (instead) {
        const data = new Uint8Array(Float64Array.from(instead).buffer)
        tensors.push({ name: 'stop', type: 'F64', shape: [instead.length], data })
      }
      const entries = new Map([...file.metadata, ...Object.entries(metadata)])
      expect(() => parseCheckpoint(encodeSafetensors({ tensors, metadata: entries }), RUN)).toThrow(
        expect.objectContaining({ code: 'TRAINING_CHECKPOINT' }),
      )
    },
  )
})

describe('figures of a model', () => {
  const figures: TrainingMetrics = {
    v: 1,
    steps: 300,
    metrics: [
      { metric: 'auc', split: 'validation', valueMicros: 899_100 },
      { metric: 'loss', split: 'train', valueMicros: 320_000, epsilonMicros: 5 },
      { metric: 'loss', split: 'validation', valueMicros: 300_000, baseMicros: 900_000 },
    ],
  }

  it('come back as they were written', () => {
    expect(parseMetrics(encodeMetrics(figures))).toEqual(figures)
  })

  it.each([
    ['of another name', { metric: 'f1', split: 'train', valueMicros: 1 }],
    ['under nothing', { metric: 'auc', split: 'train', valueMicros: -1 }],
    ['under nothing before', { metric: 'loss', split: 'train', valueMicros: 1, baseMicros: -1 }],
    ['for no cost', { metric: 'auc', split: 'train', valueMicros: 1, epsilonMicros: 0 }],
  ])('%s are refused', (_, metric) => {
    const bytes = encodeMetrics({ ...figures, metrics: [metric as never] })
    expect(() => parseMetrics(bytes)).toThrow(expect.objectContaining({ code: 'JCS_FIELD' }))
  })
})
