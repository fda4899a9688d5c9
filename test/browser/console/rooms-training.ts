import type { Contract, TrainTask } from '@sotto/protocol/contract'
import { expect, it } from 'vitest'
import { addAccounts } from './room-members.ts'
import { LONG, type RoomsPage } from './rooms-page.ts'

/** More steps than any test waits for: it is ended before. */
const STEPS = 10_000_000

const TASK: TrainTask = {
  kind: 'train',
  recipe: { kind: 'linear' },
  data: {
    tables: ['accounts', 'purchases'],
    features: [{ column: 'customer', kind: 'category', values: ['c1', 'c2', 'c3', 'c4'] }],
    label: { column: 'amount', kind: 'number', min: 0, max: 400, decimals: 0 },
  },
  descent: {
    steps: STEPS,
    batch: 16,
    optimiser: { kind: 'sgd', momentumMicros: 0, weightDecayMicros: 0 },
    schedule: { kind: 'constant', rateNanos: 100_000, warmupSteps: 0, floorMicros: 1_000_000 },
  },
  metrics: [],
  show: 'loss',
  limits: { memoryBytes: 2 ** 28, seconds: 300 },
}

function withTraining({ inputs, transforms, outputs }: Contract): Partial<Contract> {
  const receivers = ['bank', 'shop']
  return {
    inputs: inputs.map((input) => ({
      ...input,
      uses: [{ transform: 'learn', runs: 1 }],
      rules: { receivers, forbidden: [], minContributors: 1, noisy: false, review: false },
    })),
    transforms: [{ ...transforms[0]!, name: 'learn', task: TASK }],
    outputs: [{ ...outputs[0]!, name: 'model', from: 'learn', receivers }],
  }
}

/** A training: what is read before it is signed, and what shows while it runs. */
export function trainingTests(at: () => RoomsPage): void {
  it('shows all of a training, and its loss while another member runs it', { timeout: LONG }, async () => {
    // Others do not tell the page that they did something: it looks every few seconds, or now.
    const look = () => at().page.getByRole('button', { name: 'Look again' }).click()
    const proposed = at().propose('One model', withTraining)
    await look()
    await proposed
    const terms = at().contract().locator('.terms')
    for (const said of [
      'a linear regression',
      'customer: a category, one of ["c1","c2","c3","c4"]; anything else is one more value',
      'amount: a number, 0 to 400',
      'Nothing is guaranteed: the model may tell of single rows of accounts, purchases.',
      'every party sees how many steps are done, and the loss of each',
      'the model of learn',
    ])
      await terms.getByText(said).first().waitFor()
    await at().looksRight('training-contract')
    await at().accept()
    await at().addPurchases()
    await addAccounts(at().room, at().named)
    const { run: digest } = await at().room.atBank.ask(at().named, { transform: 'learn', arguments: [] })
    await look()
    await at().run(digest).getByRole('button', { name: 'Check room and run' }).click()
    await at().run(digest).getByRole('button', { name: 'Consent' }).click()
    await at().run(digest).getByText('You have consented.').waitFor()
    const running = at().room.atBank.begin(at().named, await at().atBank(digest))
    // Waited for below; meanwhile its failure is nobody's.
    running.catch(() => {})
    await at().page.locator('nav a[href="#/training"]').click()
    const shown = at().page.locator(`[data-training="${digest}"]`)
    await shown.locator('progress').waitFor()
    await expect
      .poll(async () => Number(await shown.locator('[data-loss]').getAttribute('data-loss')), {
        timeout: 60_000,
      })
      .toBeGreaterThan(2)
    expect(await shown.getByRole('img').getAttribute('aria-label')).toMatch(
      /^Loss up to step [\d,]+: [\d.]+ at first/,
    )
    await shown.getByText('accounts for learn: 1 run').waitFor()
    await at().looksRight('training')
    await at().room.atBank.cancel(at().named, digest)
    expect((await running).state).toBe('cancelled')
    await at().page.locator(`[data-training="${digest}"][data-stage=cancelled]`).waitFor()
    await shown.getByRole('link', { name: 'Open its room' }).click()
    await at().run(digest).locator('[data-loss]').waitFor()
  })
}
