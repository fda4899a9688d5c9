import { toSrt, toVtt } from '@sotto/protocol/subtitles'
import { describe, expect, it } from 'vitest'

describe('subtitles', () => {
  const cues = [
    { start: 0, end: 1.2345, text: ' First\n\n  second --> third ' },
    { start: 3661.001, end: 3662, text: 'End' },
  ]

  it('are SubRip, where no text begins another cue', () => {
    expect(toSrt(cues)).toBe(
      '1\n00:00:00,000 --> 00:00:01,235\nFirst\nsecond → third\n\n2\n01:01:01,001 --> 01:01:02,000\nEnd\n\n',
    )
  })

  it('are WebVTT', () => {
    // A carriage return ends a line of WebVTT too.
    expect(toVtt([{ start: 0, end: 1, text: 'a\r\rSTYLE\r\nb' }])).toContain('\na\nSTYLE\nb\n')
    expect(toVtt([{ start: 0, end: 1, text: 'a <b> & c' }])).toContain('\na &lt;b> &amp; c\n')
    expect(toVtt(cues.slice(1))).toBe('WEBVTT\n\n01:01:01.001 --> 01:01:02.000\nEnd\n\n')
  })
})
