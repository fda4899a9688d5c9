import { describe, expect, it } from 'vitest'
import { encodeResult, type StepResult, textOf } from '../../src/room/results.ts'

const bytes = new TextEncoder().encode('written')
const TRAINED: StepResult = {
  kind: 'trained',
  parts: new Map([
    ['model', Uint8Array.of(1)],
    ['metrics', Uint8Array.of(2)],
  ]),
  figures: { steps: 3, reason: 'steps' },
}

describe('a result', () => {
  it('of a training leaves by part, as the model where none is named', () => {
    expect(encodeResult(TRAINED)).toEqual(Uint8Array.of(1))
    expect(encodeResult(TRAINED, 'model')).toEqual(Uint8Array.of(1))
    expect(encodeResult(TRAINED, 'metrics')).toEqual(Uint8Array.of(2))
    expect(() => encodeResult(TRAINED, 'predictions')).toThrow(expect.objectContaining({ code: 'ROOM_TASK' }))
  })

  it('of another step has no parts', () => {
    expect(encodeResult({ kind: 'bytes', bytes })).toBe(bytes)
    expect(() => encodeResult({ kind: 'bytes', bytes }, 'model')).toThrow(
      expect.objectContaining({ code: 'ROOM_TASK' }),
    )
  })

  it('of a training has no words, so that no rule of words lets it out', () => {
    expect(textOf(TRAINED)).toBe(undefined)
    expect(textOf({ kind: 'bytes', bytes })).toBe('written')
  })
})
