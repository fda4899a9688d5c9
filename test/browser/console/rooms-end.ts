import { roomParty } from '@sotto/client/rooms'
import { expect, it } from 'vitest'
import { LONG, type RoomsPage } from './rooms-page.ts'

/** Taking back, and what must not be signed. */
export function endTests(at: () => RoomsPage): void {
  it('takes a consent back, for good, and closes', { timeout: LONG }, async () => {
    await at().contract().locator('.end > summary').click()
    await at().inContract('Close for me').click()
    await at().contract().getByLabel('Type close to confirm').fill('close')
    await at().inContract('Yes, for good').click()
    await expect
      .poll(async () => (await at().room.atBank.view(at().named)).closed, { timeout: 60_000 })
      .toEqual(['shop'])
    await at().inContract('Take back consent to runs').click()
    await at().looksRight('withdraw')
    await at().contract().getByLabel('Type withdraw to confirm').fill('withdraw')
    await at().inContract('Yes, for good').click()
    await at().page.locator(`[data-contract="${at().named.digest}"][data-phase=closed]`).waitFor()
    await at().contract().getByText('shop took back its consent to runs.').waitFor()
    expect((await at().room.atBank.view(at().named)).phase).toBe('closed')
    expect(await at().contract().locator('[data-ask]').count()).toBe(0)
    await at().looksRight('closed')
  })

  it('shows a contract of others, and offers nothing to sign', { timeout: LONG }, async () => {
    const stranger = roomParty(new Uint8Array(32).fill(65))
    at().named = await at().room.atBank.propose(
      at().room.contract('Of others', () => ({ parties: [at().room.bank.as('bank'), stranger.as('shop')] })),
    )
    await at().page.locator(`[data-contract="${at().named.digest}"][data-phase=stranger]`).waitFor()
    await at().contract().locator('.terms > summary').click()
    await at()
      .contract()
      .locator('[data-party=shop]')
      .getByText('NOT the key of the member of that name')
      .waitFor()
    expect(await at().inContract('Accept').count()).toBe(0)
    expect(await at().contract().locator('[data-data], [data-ask], .end').count()).toBe(0)
    // The KMS tells nothing of it to others, so nothing is said of who signed, or of what is left.
    expect(await at().contract().getByText('has not signed').count()).toBe(0)
    expect(await at().contract().locator('.picture').count()).toBe(0)
    await at().looksRight('stranger')
  })

  it('is loud where two keys claim one name, and does not sign then', { timeout: LONG }, async () => {
    const stranger = roomParty(new Uint8Array(32).fill(66))
    const atStranger = await at().room.sotto.rooms.open({
      secret: at().room.secret,
      party: stranger,
      name: 'bank',
    })
    await atStranger.join()
    await at().page.locator('[data-conflict=bank]').waitFor()
    await at().propose('After the conflict')
    await at().contract().getByText('two keys claim the name bank').waitFor()
    expect(await at().inContract('Accept').count()).toBe(0)
    await at().looksRight('conflict')
  })

  it('forgets a room when it is told to', { timeout: LONG }, async () => {
    await at().page.getByRole('button', { name: 'Forget here' }).click()
    await at().page.getByLabel('Type forget to confirm').fill('forget')
    await at().page.getByRole('button', { name: 'Yes, for good' }).click()
    await at().page.getByRole('heading', { name: 'Join a room' }).waitFor()
    expect(at().tab.complaints).toEqual([])
  })
}
