import { remaining } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { named } from '../../../../protocol/test/contract/contracts.ts'
import { banks, open, PRIVACY, training } from '../../../../protocol/test/contract/trainings.ts'
import type { LossCurve } from '../../../src/pages/rooms/loss-curve.ts'
import { loadComponent, textOf } from './render-component.ts'

const RESUMED = 'ab'.repeat(32)

describe('a run of a training', () => {
  it('costs epsilon and delta of each table that it learns from, and tells what is left', async () => {
    const costs = await loadComponent('Costs')
    const contract = named(banks())
    const view = { left: remaining(banks(), []) }
    const text = textOf(costs({ named: contract, offer: { transform: 'learn' }, view }))
    const price = `epsilon ${PRIVACY.epsilonMicros / 1e6} at delta 1e-5`
    expect(text).toContain(
      `north for learn: 1 run and ${price} (2 runs and epsilon 20 at delta 5e-5 left before it)`,
    )
    expect(text).toContain('public for learn: 1 run (2 runs left before it)')
  })

  it('costs nothing more where it goes on with one that was charged', async () => {
    const costs = await loadComponent('Costs')
    const offer = { transform: 'learn', resumes: RESUMED }
    const text = textOf(costs({ named: named(banks()), offer, view: undefined }))
    expect(text).toContain('Nothing more: it goes on with a run that was charged.')
    expect(text).not.toContain('epsilon')
  })

  it('shows its loss as a picture that says the same in words', async () => {
    const loss = await loadComponent('Loss')
    const curve: LossCurve = {
      transform: 'learn',
      points: [
        { step: 10, lossMicros: 693_147 },
        { step: 20, lossMicros: 510_000 },
      ],
      lowest: { step: 15, lossMicros: 500_000 },
    }
    const markup = loss({ curve })
    const said = 'Loss up to step 20: 0.6931 at first, 0.51 now, 0.5 at its lowest.'
    expect(markup).toMatch(/<svg[^>]* role="img"/)
    expect(markup).toContain(`aria-label="${said}"`)
    expect(textOf(markup)).toContain(said)
    expect(markup).toContain('<polyline points="6,6 634,108.4')
    expect(loss({ curve: { ...curve, points: [curve.points[0]!] } })).toMatch(/points="(\S+) \1"/)
  })
})

describe('the computation that an owner consents to', () => {
  it('is told with whom it protects, by what their owners ask for', async () => {
    const task = await loadComponent('Task')
    const { inputs } = banks()
    expect(textOf(task({ task: training(), inputs }))).toContain(
      'each contributor of north, whom its column customer',
    )
    expect(textOf(task({ task: training(), inputs: [] }))).toContain('each row of north is protected')
    expect(textOf(task({ task: open(), inputs }))).toContain('Nothing is guaranteed')
  })
})
