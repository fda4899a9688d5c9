import { describe, expect, it } from 'vitest'
import { doneMark } from '../../src/transport/done-mark.ts'

const STREAM = 'data: {"text":"ü"}\n\ndata: [DONE]\n\n:      \n\n'

describe('doneMark', () => {
  it.each([1, 2, 5, 11, 1000])('finds the mark in chunks of %i bytes', (size) => {
    const mark = doneMark('text/event-stream; charset=utf-8')
    const bytes = new TextEncoder().encode(STREAM)
    for (let i = 0; i < bytes.length; i += size) mark.update(bytes.subarray(i, i + size))
    expect(mark.seen).toBe(true)
  })

  it('does not find it elsewhere', () => {
    const cut = doneMark('text/event-stream')
    cut.update(new TextEncoder().encode(STREAM.slice(0, 28)))
    const json = doneMark('application/json')
    json.update(new TextEncoder().encode(STREAM))
    expect([cut.seen, json.seen]).toEqual([false, false])
  })
})
