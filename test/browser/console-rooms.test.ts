import { afterAll, beforeAll, describe } from 'vitest'
import { hasQueries } from '../../packages/cli/src/stack/rooms.ts'
import { findLayout } from '../../packages/cli/src/stack/layout.ts'
import { type OpenConsole, openConsole } from './console/open-console.ts'
import { PAGE_PARTY } from './console/room-members.ts'
import { roomsTests } from './console/rooms.ts'
import { findChromium } from './find-chromium.ts'

const executablePath = findChromium()
const isBuilt = hasQueries(findLayout(import.meta.url))

describe.skipIf(!executablePath || !isBuilt)('the console with clean rooms in Chromium', () => {
  let desk: OpenConsole
  beforeAll(async () => {
    desk = await openConsole({
      executablePath: executablePath!,
      stack: { rooms: true, owner: PAGE_PARTY.signer.publicKey, models: ['sotto-hash-embed'] },
    })
  }, 180_000)
  afterAll(() => desk?.close())

  roomsTests(() => desk)
})
