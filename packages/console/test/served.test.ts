import { expect, it } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { isServedLocally } from '../src/connection/config.ts'
import { words } from '../src/words/index.ts'

it(claim('T21.served', 'only names of the own machine go without saying who serves'), () => {
  for (const own of ['127.0.0.1', '127.8.0.1', 'localhost', '[::1]'])
    expect(isServedLocally(own), own).toBe(true)
  for (const other of [
    'chat.example',
    '127.0.0.1.chat.example',
    'localhost.chat.example',
    'chat-localhost',
    '10.127.0.1',
    '[::2]',
    '',
  ])
    expect(isServedLocally(other), other).toBe(false)
  expect(words.banner.served('chat.example')).toContain('chat.example')
})
