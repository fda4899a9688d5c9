import { ownerKeyPem } from '@sotto/client/models'
import { encodeInvitation, newRoomSecret } from '@sotto/client/rooms'
import { toBase64Url, toHex } from '@sotto/protocol/bytes'
import { expect, it } from 'vitest'
import { claim } from '../../claims.ts'
import { addAccounts, PAGE_PARTY, PAGE_SEED } from './room-members.ts'
import { LONG, type RoomsPage } from './rooms-page.ts'

/** Until there is something to compute on: joining, agreeing, bringing data. */
export function joinTests(at: () => RoomsPage): void {
  it('is loaded where it is opened, and on no other page', { timeout: LONG }, async () => {
    const isOfRooms = (request: string): boolean => /\/(?:Rooms|audit)-\w+\.js$/.test(request)
    expect(at().tab.requests.filter(isOfRooms)).toHaveLength(1)
    const other = await at().desk.open('#/trust')
    await other.page.locator('.shield[data-kind="software"]').waitFor()
    expect(other.requests.filter(isOfRooms)).toEqual([])
    await other.context.close()
  })

  it(
    claim('chain.nothing-sent', 'joins nothing while the service is not verified'),
    { timeout: LONG },
    async () => {
      const cut = await at().desk.open('about:blank')
      await cut.page.route(`${at().desk.config.relay}/**`, (route) => route.abort())
      await cut.page.goto(`${at().desk.origin}/#/rooms`)
      await cut.page.locator('.shield[data-kind="unreachable"]').waitFor()
      await cut.page.locator('.gate:not(.is-open)').waitFor()
      await cut.page.getByRole('button', { name: 'Make a key' }).click()
      await cut.page.getByText('The owner key of this browser').waitFor()
      await cut.page.getByLabel('Name in the room').fill('shop')
      await cut.page.getByLabel('Invitation').fill(encodeInvitation(at().room.secret))
      await cut.page.getByLabel('Invitation').press('Enter')
      expect(await cut.page.getByRole('button', { name: 'Join', exact: true }).isDisabled()).toBe(true)
      expect(cut.requests.filter((request) => request.startsWith('POST'))).toEqual([])
      await cut.context.close()
    },
  )

  it('says what it needs, and refuses what is no invitation', { timeout: LONG }, async () => {
    await at().page.getByRole('heading', { name: 'Join a room' }).waitFor()
    expect(await at().page.getByRole('button', { name: 'Join', exact: true }).isDisabled()).toBe(true)
    await at().looksRight('join')
    await at()
      .page.locator('input[accept=".key,.pem"]')
      .setInputFiles({
        name: 'owner.key',
        mimeType: 'application/x-pem-file',
        buffer: Buffer.from(ownerKeyPem(PAGE_SEED)),
      })
    await at().page.getByText(PAGE_PARTY.key).waitFor()
    const invitation = encodeInvitation(at().room.secret)
    await at().page.getByLabel('Name in the room').fill('Shop')
    await at().page.getByText('This is no name for a member.').waitFor()
    await at().page.getByLabel('Name in the room').fill('shop')
    await at()
      .page.getByLabel('Invitation')
      .fill(`${invitation.slice(0, -1)}${invitation.endsWith('A') ? 'B' : 'A'}`)
    await at().page.getByRole('button', { name: 'Join', exact: true }).click()
    await at().page.locator('.notice').getByText('ROOM_INVITATION').waitFor()
    await at().looksRight('no-invitation')
    await at().page.getByLabel('Invitation').fill(encodeInvitation(newRoomSecret()))
    await at().page.getByRole('button', { name: 'Join', exact: true }).click()
    await at().page.getByText('This service has no such room.').waitFor()
    await at().page.getByLabel('Invitation').fill(`  ${invitation}\n`)
    await at().page.getByLabel('Name in the room').fill('bank')
    await at().page.getByRole('button', { name: 'Join', exact: true }).click()
    await at().page.getByText('Somebody with another key is bank').waitFor()
    expect((await at().room.atBank.state()).conflicts).toEqual([])
  })

  it(
    claim('rooms.sealed', 'joins, and leaves invitation and key in no storage, address or attribute'),
    { timeout: LONG },
    async () => {
      await at().page.getByLabel('Name in the room').fill('shop')
      await at().page.getByRole('button', { name: 'Join', exact: true }).click()
      await at().page.locator('[data-member=shop]').waitFor()
      await at().page.locator('[data-member=bank]').waitFor()
      const { members } = await at().room.atBank.state()
      expect(members.get('shop')!.party).toEqual(PAGE_PARTY.as('shop'))
      const print = await at().page.locator('[data-own-print]').innerText()
      expect(print).toMatch(/^(?:[0-9a-f]{4} ){7}[0-9a-f]{4}$/)
      expect(await at().page.locator('[data-member=shop] .print').innerText()).toBe(print)
      await at().page.getByText('Nobody has proposed a contract').waitFor()
      await at().looksRight('empty')

      const kept = await at().page.evaluate(async () => {
        const said = [
          location.href,
          document.documentElement.outerHTML,
          ...[...document.querySelectorAll('input,textarea')].map((one) => (one as HTMLInputElement).value),
          JSON.stringify({ ...localStorage }),
          JSON.stringify({ ...sessionStorage }),
        ]
        for (const { name } of await indexedDB.databases()) {
          const database = await new Promise<IDBDatabase>((resolve, reject) => {
            const opening = indexedDB.open(name!)
            opening.onsuccess = () => resolve(opening.result)
            opening.onerror = () => reject(new Error('closed'))
          })
          for (const store of database.objectStoreNames) {
            const all = await new Promise<unknown[]>((resolve) => {
              const asked = database.transaction(store).objectStore(store).getAll()
              asked.onsuccess = () => resolve(asked.result as unknown[])
            })
            said.push(
              JSON.stringify(all, (_, value: unknown) =>
                ArrayBuffer.isView(value) ? [...(value as Uint8Array)] : value,
              ),
            )
          }
          database.close()
        }
        return said.join('\n')
      })
      const secrets = [at().room.secret.secret, PAGE_SEED].flatMap((bytes) => [
        toBase64Url(bytes),
        toHex(bytes),
        [...bytes].join(','),
      ])
      for (const secret of [...secrets, encodeInvitation(at().room.secret), at().room.secret.token])
        expect(kept.includes(secret)).toBe(false)
      expect(kept).toContain(PAGE_PARTY.key)
      // Everything that is sent is sealed, to one address.
      const { relay, gateway } = at().desk.config
      const posts = at().tab.requests.filter((request) => request.startsWith('POST'))
      expect([...new Set(posts)]).toEqual([`POST ${relay}/relay/${gateway}`])
    },
  )

  it(
    'shows all that a contract says before it is signed, and signs what was read',
    { timeout: LONG },
    async () => {
      await at().propose('Offers')
      const terms = at().contract().locator('.terms')
      for (const said of [
        'SELECT count(*) AS n, count(DISTINCT customer) AS customers',
        '$least: integer, 0 to 1000',
        'joins between owners on customer only',
        'only figures over at least 10 different customer',
        'overlap: 3 runs',
        at().named.contract.transforms[0]!.room[0]!,
        'sealed to shop',
      ])
        await terms.getByText(said).first().waitFor()
      await at().contract().locator('.picture img').waitFor()
      await expect
        .poll(() =>
          at()
            .contract()
            .locator('.picture img')
            .evaluate((one) => (one as HTMLImageElement).naturalWidth),
        )
        .toBeGreaterThan(300)
      await at().looksRight('contract')
      await at().inContract('Accept').click()
      expect(await at().inContract('Sign for shop').isDisabled()).toBe(true)
      await at().looksRight('accept')
      await at().inContract('Cancel').click()
      expect((await at().room.atBank.view(at().named)).accepted).toEqual(['bank'])
      await at().accept()
      expect((await at().room.atBank.view(at().named)).accepted).toEqual(['bank', 'shop'])
    },
  )

  it(
    claim('rooms.sealed', 'seals data in the page, and shows what was stated'),
    { timeout: LONG },
    async () => {
      const sent: Buffer[] = []
      await at().page.route(`${at().desk.config.relay}/**`, async (route) => {
        sent.push(route.request().postDataBuffer() ?? Buffer.alloc(0))
        await route.continue()
      })
      const own = at().contract().locator('[data-data=purchases]')
      await own.locator('input[type=file]').setInputFiles({
        name: 'purchases.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from('customer,sum\nc1,2\n'),
      })
      await own.getByRole('button', { name: 'Seal and add' }).click()
      await own.getByText('ROOM_DATA_SOURCE').waitFor()
      await at().looksRight('data-refused')
      await at().addPurchases()
      await at().page.unroute(`${at().desk.config.relay}/**`)
      const { envelope } = (await at().room.atBank.view(at().named)).data[0]!
      const digest = await own.locator('dd code').innerText()
      expect(
        Buffer.from((JSON.parse(envelope) as { payload: string }).payload, 'base64').toString(),
      ).toContain(digest)
      expect(sent.length).toBeGreaterThan(2)
      expect(sent.filter((bytes) => bytes.includes('c7,70'))).toEqual([])
      await at().contract().locator('[data-data=accounts]').getByText('Nothing was added yet.').waitFor()
      await addAccounts(at().room, at().named)
      await at().contract().locator('[data-data=accounts]').getByText('version 1').waitFor()
      await at().looksRight('data')
    },
  )
}
