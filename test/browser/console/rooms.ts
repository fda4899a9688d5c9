import { afterAll, beforeAll, describe } from 'vitest'
import type { OpenConsole } from './open-console.ts'
import { endTests } from './rooms-end.ts'
import { joinTests } from './rooms-join.ts'
import { LONG, RoomsPage } from './rooms-page.ts'
import { runTests } from './rooms-runs.ts'
import { trainingTests } from './rooms-training.ts'

/** The page Rooms: one party in Chromium, the other in this process, with a real board, KMS and room between them. */
export function roomsTests(desk: () => OpenConsole): void {
  describe('the page Rooms', () => {
    let opened: RoomsPage
    beforeAll(async () => {
      opened = await RoomsPage.open(desk())
    }, LONG)
    afterAll(() => opened?.tab.context.close())

    // In this order: each goes on in the room that the one before has left.
    const at = (): RoomsPage => opened
    joinTests(at)
    runTests(at)
    trainingTests(at)
    endTests(at)
  })
}
