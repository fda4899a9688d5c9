import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { StopFilter } from '../../../src/engines/gguf/stop-filter.ts'

const RUNS = process.env.SLOW ? 500 : 25

function filter(pieces: readonly string[], stops: readonly string[]): { text: string; stopped: boolean } {
  const stopFilter = new StopFilter(stops)
  let text = ''
  for (const piece of pieces) {
    const filtered = stopFilter.push(piece)
    text += filtered.text
    if (filtered.stopped) return { text, stopped: true }
  }
  return { text: text + stopFilter.flush(), stopped: false }
}

it('finds a stop string that pieces cut anywhere, the earliest first', () => {
  expect(filter(['Hel', 'lo\nUs', 'er', ': hi'], ['\nUser:'])).toEqual({ text: 'Hello', stopped: true })
  expect(filter(['abcab', 'abd'], ['abd', 'zz'])).toEqual({ text: 'abcab', stopped: true })
  expect(filter(['one two'], ['two', 'one'])).toEqual({ text: '', stopped: true })
})

it('waits with a complete stop string while one that began before it may still be', () => {
  expect(filter(['a', 'b', 'a'], ['b', 'aba'])).toEqual({ text: '', stopped: true })
  expect(filter(['a', 'b', 'c'], ['b', 'aba'])).toEqual({ text: 'a', stopped: true })
  expect(filter(['a', 'b'], ['b', 'aba'])).toEqual(filter(['ab'], ['b', 'aba']))
  expect(filter(['a', 'b'], ['b', 'aba']).text).toBe('a')
})

it('holds back only what may become a stop string', () => {
  const stopFilter = new StopFilter(['###'])
  expect(stopFilter.push('text #')).toEqual({ text: 'text ', stopped: false })
  expect(stopFilter.isHolding).toBe(true)
  expect(stopFilter.push('1')).toEqual({ text: '#1', stopped: false })
  expect(stopFilter.isHolding).toBe(false)
})

it('property: cutting text into pieces changes nothing', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '#'), maxLength: 30 })
  const stop = fc.string({ unit: fc.constantFrom('a', 'b', '#'), minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(letters, fc.array(stop, { maxLength: 3 }), (text, stops) => {
      expect(filter([...text], stops)).toEqual(filter([text], stops))
      const ends = stops.map((each) => text.indexOf(each)).filter((at) => at >= 0)
      expect(filter([text], stops).text).toBe(ends.length === 0 ? text : text.slice(0, Math.min(...ends)))
    }),
    { numRuns: RUNS },
  )
})
