import { readFileSync } from 'node:fs'
import { checkRunProof, parseRunProof } from '@sotto/client/rooms'
import { runDigest, type SqlParameter, type SqlTask } from '@sotto/protocol/contract'
import { expect, it } from 'vitest'
import { claim } from '../../claims.ts'
import { addAccounts } from './room-members.ts'
import { LONG, type RoomsPage } from './rooms-page.ts'

/** Runs, of the contract that was agreed on last and of further ones. */
export function runTests(at: () => RoomsPage): void {
  it(
    claim(
      ['rooms.consent', 'rooms.proof'],
      'asks, begins when all consented, opens the output and saves the proof',
    ),
    { timeout: LONG },
    async () => {
      const form = at().contract().locator('[data-ask]')
      await form.locator('summary').click()
      await form.getByLabel('A note for the others').fill('the weekly figures')
      const digest = await at().ask()
      await at().run(digest).locator('[data-consent=shop]').getByText('has consented').waitFor()
      await at().run(digest).getByText('the weekly figures').waitFor()
      expect(await at().run(digest).getByRole('button', { name: 'Begin' }).count()).toBe(0)
      await at().looksRight('waits')
      await at().room.atBank.consent(at().named, await at().atBank(digest))
      await at().page.locator(`[data-run="${digest}"][data-stage=ready]`).waitFor()
      await at().run(digest).getByRole('button', { name: 'Begin' }).click()
      await at().run(digest).getByText('Done, every statement verified').waitFor()
      // What rests on a program shows as such, and not in green.
      expect(await at().run(digest).locator('header .mark').getAttribute('data-kind')).toBe('software')
      await at().run(digest).getByRole('button', { name: 'Verify and open outputs' }).click()
      await at().run(digest).locator('[data-opened=offers][data-kind=table]').waitFor()
      expect(await at().run(digest).locator('td').allInnerTexts()).toEqual(['40', '40'])
      await at().looksRight('done')
      const [saved] = await Promise.all([
        at().page.waitForEvent('download'),
        at().run(digest).getByRole('button', { name: 'Save offers' }).click(),
      ])
      expect(saved.suggestedFilename()).toBe('offers.jsonl')
      expect(readFileSync(await saved.path(), 'utf8')).toContain('[40,40]')
      const [download] = await Promise.all([
        at().page.waitForEvent('download'),
        at().run(digest).getByRole('button', { name: 'Save the proof' }).click(),
      ])
      const proof = checkRunProof(parseRunProof(readFileSync(await download.path())), at().desk.stack.policy)
      expect(proof.run.receipt).toMatchObject({ run: digest, sequence: 1 })
      await at().contract().locator('[data-input=purchases]').getByText('1 of 3 runs used').waitFor()
    },
  )

  it(
    claim(
      'rooms.consent',
      'consents only to a room whose every step it shows, and signs nothing for another',
    ),
    { timeout: LONG },
    async () => {
      const { sotto, bank, secret } = at().room
      const { data } = await at().room.atBank.view(at().named)
      const wanted = {
        transform: 'overlap',
        template: 'count',
        arguments: [{ name: 'least', value: '5' }],
        data,
        files: { board: secret.board, token: secret.token },
      }
      const one = await sotto.rooms.runs.offer(at().named, wanted, { party: bank })
      const other = await sotto.rooms.runs.offer(at().named, wanted, { party: bank })
      // The key of another run beside evidence that does not bind it.
      const { binding } = one.shown
      const shown = { ...one.shown, binding: { ...binding, wrapKey: other.shown.binding.wrapKey } }
      await at().room.post({
        kind: 'offered',
        at: Math.floor(Date.now() / 1000),
        offered: { offer: one.offer, shown },
        by: 'bank',
        note: 'trust me',
      })
      const asked = at().run(runDigest(one.offer))
      await asked.getByRole('button', { name: 'Check room and run' }).click()
      await asked.locator('[data-check=refused]').waitFor()
      expect(await asked.locator('.steps [data-status=fail] code').first().innerText()).toBe('room.evidence')
      expect(await asked.getByRole('button', { name: 'Consent' }).count()).toBe(0)
      expect(await asked.locator('.verdict.good').count()).toBe(0)
      await at().looksRight('refused')
      const before = await at().room.messages()
      await asked.getByRole('button', { name: 'Check again' }).click()
      await asked.locator('[data-check=refused] .notice').waitFor()
      expect(await at().room.messages(), 'nothing was sent').toBe(before)

      // A genuine one of the bank: everything is shown, and then it is signed.
      const { run: digest } = await at().room.atBank.ask(at().named, {
        transform: 'overlap',
        template: 'count',
        arguments: [{ name: 'least', value: '100' }],
      })
      await at().run(digest).getByRole('button', { name: 'Check room and run' }).click()
      await at().run(digest).locator('[data-check=passed]').waitFor()
      await at().run(digest).getByText('no hardware stands behind them').waitFor()
      expect(await at().run(digest).locator('.verdict.good').count()).toBe(0)
      await at().run(digest).getByText('WHERE amount >= $least').waitFor()
      await at().run(digest).getByText('version 1 of bank').waitFor()
      await at().run(digest).getByText('2 runs left before it').first().waitFor()
      await at().looksRight('consent')
      await at().run(digest).getByRole('button', { name: 'Consent to this run' }).click()
      await at().run(digest).getByText('You have consented.').waitFor()
      expect([...(await at().atBank(digest)).consents.keys()].toSorted()).toEqual(['bank', 'shop'])
      expect((await at().atBank(runDigest(one.offer))).consents.size).toBe(0)
    },
  )

  it('says no to a run, with a reason', { timeout: LONG }, async () => {
    const { run: digest } = await at().room.atBank.ask(at().named, {
      transform: 'overlap',
      template: 'count',
      arguments: [{ name: 'least', value: '7' }],
    })
    await at().run(digest).getByLabel('A reason for the others').fill('not this week')
    await at().run(digest).getByRole('button', { name: 'Decline' }).click()
    await at()
      .run(digest)
      .getByText('shop does not consent, says somebody of the room: not this week')
      .waitFor()
    expect((await at().atBank(digest)).declined).toMatchObject([{ party: 'shop', reason: 'not this week' }])
    expect((await at().atBank(digest)).consents.has('shop')).toBe(false)
  })

  it(
    claim('rooms.rules', 'tells by which rule a run failed, and that nothing left'),
    { timeout: LONG },
    async () => {
      // A budget for one run, which the other member takes.
      await at().propose('Once', ({ inputs }) => ({
        inputs: inputs.map((input) => ({ ...input, uses: [{ transform: 'overlap', runs: 1 }] })),
      }))
      await at().accept()
      await at().addPurchases()
      await addAccounts(at().room, at().named)
      const first = await at().ask()
      await at().room.atBank.consent(at().named, await at().atBank(first))
      await at().room.atBank.begin(at().named, await at().atBank(first))
      await at().run(first).getByText('Done, every statement verified').waitFor()
      const digest = await at().ask()
      await at().room.atBank.consent(at().named, await at().atBank(digest))
      await at().run(digest).getByRole('button', { name: 'Begin' }).click()
      await at().page.locator(`[data-run="${digest}"][data-stage=failed]`).waitFor()
      await at().run(digest).getByText('Nothing left the room.').waitFor()
      const code = await at().run(digest).locator('[data-failure]').getAttribute('data-failure')
      const { failure } = await at().toldOf(digest, 'failed')
      expect(failure?.code).toBe(code)
      expect(failure?.rule).toBeDefined()
      await at().run(digest).locator('dd', { hasText: failure!.rule! }).first().waitFor()
      await at().looksRight('failed')
    },
  )

  it(
    'has a field for each type of parameter, and says which data are missing',
    { timeout: LONG },
    async () => {
      await at().propose('Every kind', ({ transforms: [overlap] }) => {
        const sql =
          'SELECT count(*) AS n FROM accounts WHERE amount > $above AND ($all OR customer <> $who OR $since < $since)'
        const parameters: SqlParameter[] = [
          { name: 'above', type: 'number' },
          { name: 'who', type: 'text', oneOf: ['c1', 'c2', 'c3'] },
          { name: 'since', type: 'date' },
          { name: 'all', type: 'boolean' },
        ]
        const task = { ...(overlap!.task as SqlTask), templates: [{ name: 'every-kind', sql, parameters }] }
        return { transforms: [{ ...overlap!, task }] }
      })
      await at().accept()
      await at().contract().locator('[data-ask] > summary').click()
      await at().contract().getByLabel('$above: number').fill('1.5')
      await at().contract().getByLabel('$who: text').selectOption('c2')
      await at().contract().getByLabel('$since: date').fill('2026-01-31')
      await at().contract().getByLabel('$all: boolean').selectOption('true')
      await at().page.locator('nav a[href="#/trust"]').click()
      await at().page.locator('main[data-page=trust] h1').waitFor()
      await at().page.locator('nav a[href="#/rooms"]').click()
      await at().contract().locator('[data-ask] > summary').click()
      expect(await at().contract().getByLabel('$above: number').inputValue()).toBe('1.5')
      expect(await at().contract().getByLabel('$who: text').inputValue()).toBe('c2')
      await at()
        .contract()
        .getByText('Not yet: the data of accounts (bank), purchases (shop) are missing.')
        .waitFor()
      expect(await at().inContract('Verify the room and ask').isDisabled()).toBe(true)
      await at().looksRight('ask')
    },
  )

  it(
    claim('rooms.rules', 'looks at an output before it leaves, and releases or refuses it'),
    { timeout: 2 * LONG },
    async () => {
      await at().propose('Reviewed', ({ inputs }) => ({
        inputs: inputs.map((input) => ({
          ...input,
          rules: { ...input.rules, review: input.owner === 'shop' },
        })),
      }))
      await at().accept()
      await at().addPurchases()
      await addAccounts(at().room, at().named)
      for (const [verdict, stage] of [
        ['Refuse', 'failed'],
        ['Release', 'done'],
      ] as const) {
        const digest = await at().ask()
        await at().room.atBank.consent(at().named, await at().atBank(digest))
        await at().run(digest).getByRole('button', { name: 'Begin' }).click()
        await at().page.locator(`[data-run="${digest}"][data-stage=waiting]`).waitFor()
        await at().run(digest).getByRole('button', { name: 'Open the result' }).click()
        await at().run(digest).locator('[data-opened=offers] td').first().waitFor()
        if (verdict === 'Refuse') await at().looksRight('review')
        await at().run(digest).getByRole('button', { name: verdict, exact: true }).click()
        await at().page.locator(`[data-run="${digest}"][data-stage=${stage}]`).waitFor()
        await at().toldOf(digest, stage)
      }
    },
  )
}
