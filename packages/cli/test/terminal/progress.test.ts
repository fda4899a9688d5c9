import { describe, expect, it } from 'vitest'
import { createProgress, formatBytes, type Sink } from '../../src/terminal/index.ts'
import { STEERS } from '../support/terminal-injections.ts'

function sink(isTerminal: boolean): { sink: Sink; text(): string } {
  let text = ''
  return { sink: { isTerminal, columns: 80, write: (data) => void (text += String(data)) }, text: () => text }
}

describe('progress', () => {
  it('prints one line for every 10 % when it is not on a terminal', () => {
    const { sink: to, text } = sink(false)
    const progress = createProgress({ sink: to, label: 'sending', total: 2048, quiet: false, now: () => 0 })
    for (let i = 0; i < 2048; i += 64) progress.advance(64)
    progress.end()
    expect(text().split('\n').slice(0, 2)).toEqual(['sending: 10 % of 2.0 KiB', 'sending: 20 % of 2.0 KiB'])
    expect(text().trim().split('\n')).toHaveLength(10)
  })

  it('redraws a bar on a terminal, at most every 100 ms, and ends its line', () => {
    const { sink: to, text } = sink(true)
    let now = 0
    const progress = createProgress({ sink: to, label: 'sending', total: 1000, quiet: false, now: () => now })
    for (let i = 0; i < 10; i++) {
      progress.advance(100)
      now += 50
    }
    progress.end()
    progress.end()
    expect(text().split('\r').length - 1).toBe(6)
    expect(text().endsWith('[########################] 100 %  1000 B of 1000 B\n')).toBe(true)
  })

  it('shows a name for what it is, on one line however long it is', () => {
    for (const isTerminal of [true, false]) {
      const { sink: to, text } = sink(isTerminal)
      const label = `sending \u001B]0;x\u0007\r${'y'.repeat(200)}`
      const progress = createProgress({ sink: to, label, total: 1000, quiet: false, now: () => 0 })
      progress.advance(100)
      expect(text().replace('\r\u001B[K', '')).not.toMatch(STEERS)
      expect(text()).toContain('sending \uFFFD]0;x\uFFFD\uFFFDy')
      if (isTerminal) expect(text().replace('\r\u001B[K', '')).toHaveLength(79)
    }
  })

  it('says nothing when quiet, nor without a total off a terminal', () => {
    for (const quiet of [true, false]) {
      const { sink: to, text } = sink(quiet)
      const progress = createProgress({ sink: to, label: 'x', quiet, now: () => 0 })
      progress.advance(1_000_000)
      progress.end()
      expect(text()).toBe('')
    }
  })

  it('formats sizes', () => {
    expect([0, 1023, 1536, 25 * 1024 ** 2].map(formatBytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '25.0 MiB'])
  })
})
