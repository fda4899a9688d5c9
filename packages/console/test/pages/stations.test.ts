import { describe, expect, it } from 'vitest'
import type { Step } from '@sotto/verifier'
import { stationOf, stations } from '../../src/pages/trust/stations.ts'

const step = (name: string, status: Step['status'] = 'pass', required = true): Step => ({
  name,
  title: name,
  status,
  required,
})
const stateOf = (steps: Step[], station: string, isSoftware = false): string | undefined =>
  stations(steps, isSoftware).find(({ name }) => name === station)?.state

describe('the chain as it is drawn', () => {
  it('leaves no step out, whatever its name is', () => {
    const steps = ['kms.evidence', 'keys.usable', 'log.signature', 'something.new'].map((name) => step(name))
    expect(stations(steps).flatMap((station) => station.steps)).toHaveLength(steps.length)
    expect(stationOf('something.new')).toBe('session')
  })

  it('holds when a step passed and none that counts did not', () => {
    expect(stateOf([], 'key')).toBe('open')
    expect(stateOf([step('keys.a'), step('keys.b', 'skipped', false)], 'key')).toBe('pass')
    expect(stateOf([step('keys.b', 'skipped', false)], 'key')).toBe('skipped')
  })

  it('does not hold when a required step was skipped, or any failed', () => {
    expect(stateOf([step('keys.a'), step('keys.b', 'skipped')], 'key')).toBe('fail')
    expect(stateOf([step('keys.a'), step('keys.b', 'fail', false)], 'key')).toBe('fail')
  })

  it('never shows hardware where there is none', () => {
    const steps = [step('kms.evidence')]
    expect(stateOf(steps, 'hardware')).toBe('pass')
    expect(stateOf(steps, 'hardware', true)).toBe('software')
    expect(stateOf([step('kms.evidence', 'fail')], 'hardware', true)).toBe('fail')
  })
})
